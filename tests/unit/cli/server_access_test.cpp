// Commands against a server that stumbles.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli_fixture.hpp"
#include "support/fault_server.hpp"

using namespace airlock;
using namespace airlock::test;

namespace {

// What a server that listens there leaves in the home; gives the folder, whose lock it holds while it runs.
std::filesystem::path leave_server_files(const CommandLine& line, const FaultServer& server) {
  const auto control = line.home() / "control";
  base::make_directories(control, 0700);
  base::write_file_atomic(control / "admin.token", "precious\n", 0600);
  base::write_file_atomic(control / "server.json", R"({"url": ")" + server.url("") + R"(", "ca": ""})", 0600);
  return control;
}

// A command that names its server, and a file with its token.
std::vector<std::string> naming(const FaultServer& server, const CommandLine& line, std::vector<std::string> arguments,
                                const std::string& token = "t") {
  const auto file = line.folder() / "token";
  base::write_file_atomic(file, token + "\n", 0600);
  arguments.insert(arguments.end(), {"--url", server.url(""), "--token-file", file.string()});
  return arguments;
}

}  // namespace

TEST_CASE("what may be asked twice is asked again, and a deployment is queued once") {
  const CommandLine line;
  const auto folder = line.folder() / "infra";
  base::make_directories(folder);
  base::write_file_atomic(folder / "deploy", "#!/bin/sh\n");
  FaultServer server;
  std::string uploaded;
  server.script("/api/stacks/default/shop/prod/deployments",
                {{.status = 202, .body = R"({"id":"d-1","version":1,"consoleUrl":"https://x/"})"}});
  std::atomic<int> questions = 0;
  std::atomic<int> uploads = 0;
  const auto stumbling = [&](const FaultRequest& request, std::size_t) -> FaultAnswer {
    if (request.method == "HEAD") {
      return questions++ == 0 ? FaultAnswer{.hang_up = true} : FaultAnswer{.status = 404};
    }
    if (uploads++ == 0) {
      return {.status = 503};
    }
    uploaded = request.body;
    return {.status = 201};
  };
  // The digest is that of the packed folder, which the first request tells.
  const auto deploy = [&] {
    return line.run(
        naming(server, line,
               {"deploy", "create", "shop/prod", "update", "--tool", "script", "--source", folder.string(), "--json"}));
  };
  deploy();
  const auto first = server.requests();
  REQUIRE_FALSE(first.empty());
  REQUIRE(first.front().method == "HEAD");
  server.script(first.front().target, stumbling);
  const auto made = deploy();
  INFO(made.err);
  REQUIRE(made.exit_code == 0);
  CHECK(made.json()["id"] == "d-1");
  CHECK(questions == 2);
  CHECK(uploads == 2);
  CHECK(uploaded.size() > 20);
  std::size_t queued = 0;
  for (const auto& each : server.requests("/api/stacks/default/shop/prod/deployments")) {
    queued += each.method == "POST" ? 1U : 0U;
  }
  CHECK(queued == 1);
}

TEST_CASE("the token in a home goes to the server that runs on it, and to nobody who listens there later") {
  const CommandLine line;
  FaultServer server;
  const auto control = leave_server_files(line, server);
  const auto untold = line.run({"pool", "list"});
  CHECK(untold.exit_code == 1);
  CHECK(untold.err.find("no server runs on the home " + line.home().string()) != std::string::npos);
  const auto named = line.run({"pool", "list", "--url", server.url("")});
  CHECK(named.exit_code == 2);
  CHECK(named.err.find("there is no token for " + server.url("")) != std::string::npos);
  CHECK(server.connections() == 0);
  const base::FileLock running(control / "lock");
  line.run({"pool", "list"});
  line.run({"pool", "list", "--url", server.url("")});
  REQUIRE(server.requests().size() == 2);
  for (const auto& request : server.requests()) {
    CHECK(request.field("Authorization") == "token precious");
  }
}

TEST_CASE("a command that goes on asking gives the home's token to nobody once the server has gone") {
  const CommandLine line;
  FaultServer server;
  const auto control = leave_server_files(line, server);
  std::optional<base::FileLock> running(std::in_place, control / "lock");
  const std::string id = "01234567-89ab-4cde-8f01-23456789abcd";
  const std::string shown =
      R"({"id":")" + id + R"(","projectName":"shop","stackName":"prod","version":1,"airlock":{"state":"running"}})";
  const bool is_ending = GENERATE(false, true);
  server.script("/api/orgs/default/deployments/" + id, [&](const FaultRequest&, std::size_t) {
    if (is_ending) {
      base::fs::remove(control / "server.json");  // its port is free, and other requests are still under way
    } else {
      running.reset();  // it ends with this answer; in both cases another program may listen there
    }
    return FaultAnswer{.body = shown};
  });
  const auto logs = line.run({"deploy", "logs", id, "-f"});
  INFO(logs.err);
  CHECK(logs.exit_code == 1);
  const std::string home = line.home().string();
  CHECK(logs.err.find(is_ending ? "the server on the home " + home + " is not at " + server.url("") + " any more"
                                : "no server runs on the home " + home) != std::string::npos);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a question with the home's token is not tried again once its server was killed") {
  const CommandLine line;
  FaultServer server;
  const auto control = leave_server_files(line, server);
  std::optional<base::FileLock> running(std::in_place, control / "lock");
  const bool breaks_off = GENERATE(true, false);
  server.script("/api/orgs/default/agent-pools", [&](const FaultRequest&, std::size_t) {
    running.reset();  // another program listens there by the next try
    return breaks_off ? FaultAnswer{.hang_up = true} : FaultAnswer{.status = 503};
  });
  const auto listed = line.run({"pool", "list"});
  INFO(listed.err);
  CHECK(listed.exit_code == 1);
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests().front().field("Connection") == "close");
}

TEST_CASE("where server and token are named, the home's server is not waited for") {
  const CommandLine line;
  FaultServer server;
  base::make_directories(line.home() / "control", 0700);
  const base::FileLock starting(line.home() / "control" / "lock");  // it has not said yet where it listens
  const auto before = std::chrono::steady_clock::now();
  line.run(naming(server, line, {"pool", "list"}, "mine"));
  CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(4));  // it would be for 5
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests().front().field("Authorization") == "token mine");
}

TEST_CASE("a server whose answers have another shape is named, and nothing internal breaks") {
  const CommandLine line;
  FaultServer server;
  const std::string id = "01234567-89ab-4cde-8f01-23456789abcd";
  const std::string one = "/api/stacks/default/shop/prod/deployments/" + id;
  const std::string odd = GENERATE(as<std::string>{}, "[]", R"("text")", "{}",
                                   R"({"deployments":[5],"total":"1","agents":[7],"tokens":5,"jobs":7})",
                                   R"({"deployments":5,"airlock":[],"agents":{"a":1},"lines":[]})");
  const std::string shown =
      R"({"id":")" + id + R"(","projectName":"shop","stackName":"prod","version":1,"airlock":{"state":"failed"}})";
  INFO(odd);
  server.script("/api/orgs/default/deployments", {{.body = odd}});
  server.script("/api/orgs/default/agent-pools", {{.body = odd}});
  server.script("/api/orgs/default/agent-pools/one", {{.body = odd}});
  server.script("/api/orgs/default/deployments/" + id, {{.body = shown}});
  server.script(one, {{.body = shown}});
  server.script(one + "/logs", {{.body = odd}});
  server.script("/api/stacks/default/shop/prod/deployments", {{.body = odd}});
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{"deploy", "list"},
                                                                                       {"deploy", "show", id},
                                                                                       {"deploy", "show", "shop/prod"},
                                                                                       {"deploy", "logs", id},
                                                                                       {"pool", "list"},
                                                                                       {"pool", "show", "one"},
                                                                                       {"pool", "create", "one"}}) {
    INFO(command[0] << " " << command[1]);
    const auto result = line.run(naming(server, line, command));
    INFO(result.err);
    CHECK(result.exit_code == 1);
    CHECK(result.err.find("the server's answer") != std::string::npos);
    CHECK(result.err.find("internal") == std::string::npos);
  }
}
