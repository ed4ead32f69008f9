// What is typed: flags before and after the verb, mistakes and what is suggested, the JSON envelope, exit codes.
#include "cli_fixture.hpp"

#include "base/error.hpp"

using namespace airlock;
using namespace airlock::test;

TEST_CASE("global flags stand before or after the verb") {
  const CommandLine line;
  base::make_directories(line.home());
  for (const auto& arguments : {std::vector<std::string>{"--json", "status"},
                                {"status", "--json"},
                                {"store", "--json", "list"},
                                {"store", "list", "--json"}}) {
    const auto result = line.run(arguments);
    const auto json = result.json();
    CHECK(json["format"] == 1);
  }
  const auto result =
      line.run_bare({"status", "--home", line.home().string(), "--json", "-q", "--no-progress", "--color", "never"});
  CHECK(result.exit_code == 0);
  CHECK(result.json()["home"] == line.home().string());
}

TEST_CASE("a word that is nearly a command is suggested") {
  const CommandLine line;
  const auto result = line.run({"bundle", "verfy", "x.airlock"});
  CHECK(result.exit_code == 2);
  CHECK(result.out.empty());
  CHECK(result.err.find("error: 'airlock bundle' has no command 'verfy'") != std::string::npos);
  CHECK(result.err.find("hint: did you mean 'airlock bundle verify'?") != std::string::npos);
  CHECK(line.run({"imprt"}).err.find("'airlock import'") != std::string::npos);
  CHECK(line.run({"store"}).err.find("needs a command: ") != std::string::npos);
  CHECK(line.run({}).exit_code == 2);
}

TEST_CASE("a flag that is nearly one is suggested") {
  const CommandLine line;
  const auto result = line.run({"import", "x", "--witholds", "a"});
  CHECK(result.exit_code == 2);
  CHECK(result.err.find("did you mean '--withhold'?") != std::string::npos);
  CHECK(line.run({"status", "--jsno"}).err.find("did you mean '--json'?") != std::string::npos);
  CHECK(line.run({"status", "surplus"}).err.find("does not take the argument 'surplus'") != std::string::npos);
  CHECK(line.run({"verify"}).exit_code == 2);
  CHECK(line.run({"store", "activate", "many"}).exit_code == 2);
  CHECK(line.run({"status", "--color", "sometimes"}).exit_code == 2);
}

TEST_CASE("a flag takes one value and is repeated for more") {
  const CommandLine line;
  // The second word is no value of --volumes but a second bundle, of which verify takes one.
  const auto result = line.run({"verify", "--volumes", "a", "b", "c"});
  CHECK(result.exit_code == 2);
  CHECK(result.err.find("'c'") != std::string::npos);
}

TEST_CASE("a command's name can be an argument of another") {
  const CommandLine line;
  const auto result = line.run({"verify", "import"});
  CHECK(result.err.find("import") != std::string::npos);
  CHECK(result.exit_code == 1);  // no such file, and not a second command
}

TEST_CASE("with --json every failure is one object") {
  const CommandLine line;
  for (const auto& arguments : {std::vector<std::string>{"verify", "absent.airlock", "--json"},
                                {"nonsense", "--json"},
                                {"--json"},
                                {"import", "--json"},
                                {"store", "list", "--json"},
                                {"explain", "nothing-like-it", "--json"}}) {
    const auto result = line.run(arguments);
    INFO(result.out << result.err);
    CHECK(result.exit_code != 0);
    const auto json = result.json();
    CHECK(json["format"] == 1);
    CHECK(json["error"]["code"].is_string());
    CHECK(json["error"]["message"].is_string());
    CHECK(json["error"]["context"].is_array());
    CHECK(json["error"]["hint"].is_string());
    CHECK(base::error_code_info(base::find_error_code(json["error"]["code"].get<std::string>())->code).exit_code ==
          result.exit_code);
  }
}

TEST_CASE("help and version are results") {
  const CommandLine line;
  CHECK(line.run_bare({"--version"}).out == "airlock " AIRLOCK_VERSION "\n");
  CHECK(line.run_bare({"version", "--json"}).json()["version"] == AIRLOCK_VERSION);
  CHECK(line.run_bare({"--version", "--json"}).json()["format"] == 1);
  const auto help = line.run_bare({"bundle", "import", "--help"});
  CHECK(help.exit_code == 0);
  CHECK(help.out.find("Example") != std::string::npos);
  CHECK(line.run_bare({"help", "bundle", "import"}).out == help.out);
  CHECK(line.run_bare({"help", "bundle", "imprt"}).exit_code == 2);
  CHECK(line.run_bare({"--help", "--json"}).json()["help"].is_string());
}

TEST_CASE("every command has a description and an example") {
  const CommandLine line;
  const std::vector<std::vector<std::string>> commands = {{"bundle", "verify"},
                                                          {"bundle", "import"},
                                                          {"bundle", "inspect"},
                                                          {"bundle", "diff"},
                                                          {"bundle", "extract"},
                                                          {"bundle", "explain"},
                                                          {"trust", "init"},
                                                          {"trust", "show"},
                                                          {"trust", "export"},
                                                          {"store", "list"},
                                                          {"store", "diff"},
                                                          {"store", "activate"},
                                                          {"store", "rollback"},
                                                          {"store", "sweep"},
                                                          {"store", "check"},
                                                          {"store", "receipt"},
                                                          {"status"},
                                                          {"audit"},
                                                          {"audit", "verify"},
                                                          {"wants"},
                                                          {"push"},
                                                          {"serve"},
                                                          {"tls"},
                                                          {"client", "show"},
                                                          {"client", "write"},
                                                          {"explain"},
                                                          {"ecosystem", "list"},
                                                          {"config", "show"},
                                                          {"import"},
                                                          {"verify"},
                                                          {"help"}};
  for (auto command : commands) {
    command.push_back("--help");
    const auto help = line.run_bare(command);
    INFO(command.front() << " " << command[1]);
    CHECK(help.exit_code == 0);
    CHECK(help.out.find("airlock ") != std::string::npos);
    CHECK(help.out.find("Example") != std::string::npos);
  }
}

TEST_CASE("codes are explained") {
  const CommandLine line;
  CHECK(line.run_bare({"explain", "base-missing"}).out.find("exit code 4") != std::string::npos);
  CHECK(line.run_bare({"explain", "--json"}).json()["codes"].size() == base::all_error_codes().size());
  CHECK(line.run_bare({"explain", "base-mising"}).err.find("did you mean 'base-missing'?") != std::string::npos);
  const auto matrix = line.run_bare({"ecosystem", "list", "--json"}).json();
  CHECK(matrix["ecosystems"].size() >= 3);
}
