#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "agent/job_directory.hpp"
#include "agent/job_environment.hpp"
#include "agent/job_network_rules.hpp"
#include "agent/job_steps.hpp"
#include "agent/reach.hpp"
#include "agent/runner.hpp"
#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::agent {
namespace {

namespace fs = std::filesystem;

JobUser own_user() {
  return {getuid(), getgid()};
}

TEST_CASE("a job's folder is private, used once, and gone afterwards", "[agent][directory]") {
  base::TempDir folder;
  fs::path path;
  {
    const JobDirectory directory(folder.path(), "one", own_user());
    path = directory.path();
    CHECK((fs::status(path).permissions() & fs::perms(0077)) == fs::perms::none);
    CHECK_THROWS(JobDirectory(folder.path(), "one", own_user()));
    CHECK(fs::exists(path));
    // What a job may leave: read-only trees, links to the outside, odd names, and depth beyond any path.
    fs::create_directories(directory.job() / "locked/inner");
    base::write_file_atomic(directory.job() / "locked/inner/file", "x", 0400);
    fs::permissions(directory.job() / "locked/inner", fs::perms(0500));
    fs::permissions(directory.job() / "locked", fs::perms(0));
    base::write_file_atomic(folder.path() / "outside", "stays");
    fs::create_symlink(folder.path() / "outside", directory.job() / "link");
    fs::create_directory_symlink(folder.path(), directory.job() / "folder-link");
    REQUIRE(mkfifo((directory.job() / "fifo\n\x01").c_str(), 0600) == 0);
    int at = open(directory.job().c_str(), O_RDONLY | O_DIRECTORY);
    for (int depth = 0; depth < 3000; ++depth) {
      REQUIRE(mkdirat(at, "a-name-of-some-length", 0500 + 0200) == 0);
      const int next = openat(at, "a-name-of-some-length", O_RDONLY | O_DIRECTORY);
      close(at);
      at = next;
    }
    close(at);
  }
  CHECK_FALSE(fs::exists(path));
  CHECK(fs::exists(folder.path() / "outside"));
}

TEST_CASE("of what lies beside the folders of jobs nothing is removed", "[agent][directory]") {
  base::TempDir folder;
  const auto make = [&](const std::string& name) {
    base::make_directories(folder.path() / name / "inner");
    base::write_file_atomic(folder.path() / name / "inner/file", "x");
  };
  const std::string id = "0f8fad5b-d9cb-469f-a165-70867728950e";
  const std::vector<std::string> stale = {id + ".1", id + ".12", "check-4711"};
  const std::vector<std::string> foreign = {"backups",    id,       id + ".",   id + ".1x",
                                            "0f8fad5b.1", "check-", "check-1b", "airlock-0123456789ab"};
  std::ranges::for_each(stale, make);
  std::ranges::for_each(foreign, make);
  base::write_file_atomic(folder.path() / "check-1", "a file");
  fs::create_directory_symlink(folder.path() / "backups", folder.path() / "check-2");
  CHECK(remove_stale_jobs(folder.path()) == 0);
  for (const auto& name : stale) {
    CAPTURE(name);
    CHECK_FALSE(fs::exists(folder.path() / name));
  }
  for (const auto& name : foreign) {
    CAPTURE(name);
    CHECK(fs::exists(folder.path() / name / "inner/file"));
  }
  CHECK(fs::exists(folder.path() / "check-1"));
  CHECK(fs::is_symlink(folder.path() / "check-2"));
}

TEST_CASE("agents that share a folder for jobs have one each in it", "[agent][directory]") {
  AgentConfig one;
  one.directory = "/srv/one";
  one.jobs = "/srv/jobs";
  AgentConfig other = one;
  other.directory = "/srv/other";
  CHECK(job_folders(one).parent_path() == "/srv/jobs");
  CHECK(job_folders(other).parent_path() == "/srv/jobs");
  CHECK(job_folders(one) != job_folders(other));
  CHECK(job_folders(one).filename().string().starts_with("airlock-"));
}

TEST_CASE("links that a job made lead the agent nowhere", "[agent][directory]") {
  base::TempDir folder;
  const JobDirectory directory(folder.path(), "one", own_user());
  fs::create_directory(folder.path() / "outside");
  base::write_file_atomic(folder.path() / "secret", "stays");
  fs::create_directory_symlink(folder.path() / "outside", directory.job() / "setup");
  CHECK_THROWS(directory.write("setup/git/key", "k"));
  CHECK_THROWS(directory.write("setup/key", "k"));
  CHECK_THROWS(directory.make_folder("setup"));
  CHECK(fs::is_empty(folder.path() / "outside"));
  fs::create_symlink(folder.path() / "secret", directory.job() / "env");
  directory.write("env", "A=1\n", 0640);
  CHECK(base::read_file(folder.path() / "secret", 100) == "stays");
  CHECK(base::read_file(directory.job() / "env", 100) == "A=1\n");
  CHECK(fs::symlink_status(directory.job() / "env").permissions() == fs::perms(0640));
  for (const auto* const outside : {"../x", "a/../../x", "/etc/x", "..", "a/.."}) {
    CAPTURE(outside);
    CHECK_THROWS(directory.write(outside, "x"));
  }
}

TEST_CASE("variables that a job passes on", "[agent][environment]") {
  const auto variables = parse_variables_file("A=1\n# B=2\nexport C = no\nexport D=\"x y\"\nE='$HOME'\n1F=2\nnothing\n"
                                              "G=a=b\nH=\n");
  CHECK(variables ==
        std::map<std::string, std::string>{{"A", "1"}, {"D", "x y"}, {"E", "$HOME"}, {"G", "a=b"}, {"H", ""}});
}

TEST_CASE("the variables file may be anything", "[agent][environment]") {
  base::TempDir folder;
  const JobDirectory directory(folder.path(), "one", own_user());
  CHECK(read_variables_file(directory).empty());
  directory.write("env", "A=1\n");
  CHECK(read_variables_file(directory).at("A") == "1");
  fs::remove(directory.job() / "env");
  base::write_file_atomic(folder.path() / "secret", "TOKEN=1\n");
  fs::create_symlink(folder.path() / "secret", directory.job() / "env");
  CHECK_THROWS(read_variables_file(directory));
  fs::remove(directory.job() / "env");
  REQUIRE(mkfifo((directory.job() / "env").c_str(), 0600) == 0);
  CHECK(read_variables_file(directory).empty());
}

control::Job job_with(control::Tool tool, control::Operation operation, const std::string& backend) {
  control::Job job;
  job.stack = {"default", "app", "dev"};
  job.tool = tool;
  job.operation = operation;
  job.backend_url = backend;
  return job;
}

TEST_CASE("dependencies are found by what lies in the folder", "[agent][steps]") {
  base::TempDir folder;
  const JobDirectory directory(folder.path(), "one", own_user());
  auto job = job_with(control::Tool::pulumi, control::Operation::update, "");
  CHECK(plan_dependencies(job, directory).commands.empty());
  directory.write("work/Pulumi.yaml", "name: app\nruntime: nodejs\n");
  directory.write("work/package.json", "{}");
  CHECK(plan_dependencies(job, directory).commands.at(0).argv.at(1) == "install");
  directory.write("work/package-lock.json", "{}");
  CHECK(plan_dependencies(job, directory).commands.at(0).argv.at(1) == "ci");
  directory.write("work/Pulumi.yaml", "name: app\nruntime: { name: python, options: { virtualenv: env } }\n");
  directory.write("work/requirements.txt", "");
  const auto python = plan_dependencies(job, directory);
  CHECK(python.commands.size() == 2);
  CHECK(python.environment.at("VIRTUAL_ENV") == "/job/work/env");
  directory.write("work/Pulumi.yaml", "name: app\nruntime: { name: python, options: { virtualenv: ../../x } }\n");
  CHECK_THROWS(plan_dependencies(job, directory));
  directory.write("work/Pulumi.yaml", "name: app\nruntime: go\n");
  directory.write("work/go.mod", "module a\n");
  CHECK(plan_dependencies(job, directory).commands.at(0).argv == std::vector<std::string>{"go", "mod", "download"});
}

TEST_CASE("the tool's own commands", "[agent][steps]") {
  const auto pulumi = plan_pulumi(job_with(control::Tool::pulumi, control::Operation::destroy, "file:///srv/state"));
  CHECK(pulumi.commands.at(0).argv.at(5) == "dev");
  CHECK(pulumi.commands.at(1).argv.at(1) == "destroy");
  CHECK(pulumi.environment.at("PULUMI_BACKEND_URL") == "file:///srv/state");
  const auto remote = plan_pulumi(job_with(control::Tool::pulumi, control::Operation::update, "https://b.example/"));
  CHECK(remote.commands.at(0).argv.at(5) == "default/app/dev");
  const auto tofu =
      plan_terraform(job_with(control::Tool::tofu, control::Operation::refresh, "file:///srv/state"), "tofu");
  CHECK(tofu.commands.back().argv.back() == "-state=/srv/state/default/app/dev.tfstate");
  CHECK(tofu.commands.back().argv.at(2) == "-refresh-only");
  const auto script = plan_operation(job_with(control::Tool::script, control::Operation::destroy, ""));
  REQUIRE(script.commands.size() == 1);
  CHECK(script.commands[0].argv == std::vector<std::string>{"./deploy", "destroy"});
}

TEST_CASE("who gives what a job may reach", "[agent][network]") {
  AgentConfig config;
  config.url = config.mirror = base::Url::parse("http://127.0.0.1:8480/");
  config.networks = {control::NetworkRule::parse("10.0.0.0/8")};
  auto job = job_with(control::Tool::pulumi, control::Operation::update, "http://127.0.0.1:8480/");
  job.networks = {control::NetworkRule::parse("db.site.example:5432")};
  const auto network = job_network_rules(config, job);
  CHECK(describe(network.rules) == "127.0.0.1:8480, 10.0.0.0/8, db.site.example:5432");
  CHECK(describe(network.own) == "127.0.0.1:8480, 10.0.0.0/8");
  for (const auto* const local : {"127.0.0.1:2375", "localhost:2375", "[::1]:2375", "127.0.0.0/8"}) {
    job.networks = {control::NetworkRule::parse(local)};
    CHECK_THROWS(job_network_rules(config, job));
  }
}

TEST_CASE("only the agent's own rules lead to its host's loopback", "[agent][network]") {
  const auto loopback = *base::IpAddress::parse("127.0.0.1");
  const auto own = control::NetworkRule::parse("a.site.example:80");
  Reach reach({own, control::NetworkRule::parse("b.site.example:80"), control::NetworkRule::parse("a.site.example"),
               control::NetworkRule::parse("a.site.example:22"), control::NetworkRule::parse("evil.example"),
               control::NetworkRule::parse("0.0.0.0/0")},
              {own});
  const auto told = reach.learn("a.site.example", {loopback});
  REQUIRE(told.size() == 1);
  CHECK_FALSE(told.front().is_loopback());
  CHECK(reach.destination(told.front(), 80) == loopback);
  // Rules of the deployment for the same name, with another port or none, open nothing more of it.
  CHECK_FALSE(reach.destination(told.front(), 81));
  CHECK_FALSE(reach.destination(told.front(), 22));
  for (const auto* const text : {"127.0.0.1", "127.0.0.53", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"}) {
    CAPTURE(text);
    CHECK(reach.learn("b.site.example", {*base::IpAddress::parse(text)}).empty());
    CHECK_FALSE(reach.destination(*base::IpAddress::parse(text), 80));
  }
  // A name that says to lead where the stand-ins are.
  CHECK(reach.learn("evil.example", {told.front()}).empty());
  CHECK_FALSE(reach.destination(told.front(), 22));
}

TEST_CASE("a name's address counts once the job has asked for it", "[agent][network]") {
  Reach reach({control::NetworkRule::parse("b.site.example:80")});
  const auto other = *base::IpAddress::parse("10.0.0.7");
  CHECK_FALSE(reach.destination(other, 80));  // nobody asked for a name that leads there
  reach.learn("b.site.example", {other});
  CHECK(reach.destination(other, 80) == other);
}

TEST_CASE("what a git source connects to", "[agent][steps]") {
  CHECK(git_server("https://git.site.example/a/b.git")->to_string() == "git.site.example:443");
  CHECK(git_server("http://git.site.example:3000/a")->to_string() == "git.site.example:3000");
  CHECK(git_server("git@git.site.example:a/b")->to_string() == "git.site.example:22");
  CHECK(git_server("ssh://git@10.0.0.4:2222/a")->to_string() == "10.0.0.4:2222");
  CHECK(git_server("HTTPS://git.site.example/a/b.git")->to_string() == "git.site.example:443");
  CHECK(git_server("git://git.site.example/a")->to_string() == "git.site.example:9418");
  CHECK(git_server("Git://git.site.example:99/a")->to_string() == "git.site.example:99");
  CHECK(git_server("SSH://git@git.site.example/a")->to_string() == "git.site.example:22");
  CHECK_FALSE(git_server("file:///srv/git/a"));
  CHECK_FALSE(git_server("File:///srv/git/a"));
  CHECK_THROWS(git_server("ftp://git.site.example/a"));
}

}  // namespace
}  // namespace airlock::agent
