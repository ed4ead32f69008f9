#include "control/configuration.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::control {

using base::ErrorCode;
using base::Json;
using test::code_of;
using test::error_of;

namespace {

const StackName k_stack{"default", "shop", "prod"};

struct Fixture {
  base::TempDir folder;
  Vault vault{folder.path() / "key"};
  Json closed(const char* text) { return with_closed_secrets(Json::parse(text), vault, k_stack); }
  Job job(const char* text) { return job_of(closed(text), k_stack, Operation::update, vault); }
};

}  // namespace

TEST_CASE("every secret form is closed, wherever it stands", "[configuration]") {
  Fixture f;
  const Json closed = f.closed(R"({
    "sourceContext": {"git": {"repoUrl": "https://git.site.example/a", "gitAuth": {"accessToken": "tok-1"}}},
    "executorContext": {"executorImage": {"reference": "a/b", "credentials": {"username": "u", "password": "pw-1"}}},
    "operationContext": {"environmentVariables": {
      "PLAIN": "x", "ONE": {"secret": "sec-1"}, "TWO": {"isSecret": true, "value": "sec-2"},
      "THREE": {"isSecret": false, "value": "y"}}},
    "later": [{"deep": {"secret": "sec-3"}}]})");
  const std::string text = closed.dump();
  for (const auto* secret : {"tok-1", "pw-1", "sec-1", "sec-2", "sec-3"}) {
    CAPTURE(secret);
    CHECK(text.find(secret) == std::string::npos);
  }
  CHECK(text.find("isSecret") == std::string::npos);
  const Job job = job_of(closed, k_stack, Operation::preview, f.vault);
  CHECK(job.source->password.reveal() == "tok-1");
  CHECK(job.image.password.reveal() == "pw-1");
  CHECK(job.operation == Operation::preview);
  REQUIRE(job.environment.size() == 4);
  std::map<std::string, std::pair<std::string, bool>> seen;
  for (const auto& each : job.environment) {
    seen[each.name] = {each.value.reveal(), each.secret};
  }
  CHECK(seen["PLAIN"] == std::pair<std::string, bool>("x", false));
  CHECK(seen["ONE"] == std::pair<std::string, bool>("sec-1", true));
  CHECK(seen["TWO"] == std::pair<std::string, bool>("sec-2", true));
  CHECK(seen["THREE"] == std::pair<std::string, bool>("y", false));
  for (const auto& each : shown_environment(closed)) {
    CHECK(each.value.find("sec-") == std::string::npos);
  }
}

TEST_CASE("a variable may have any name, that of a secret's form too", "[configuration]") {
  Fixture f;
  const char* const text = R"({"operationContext": {"environmentVariables": {
    "secret": "a", "ciphertext": {"secret": "b"}, "isSecret": "c", "password": {"isSecret": true, "value": "d"},
    "OTHER": "e"}}})";
  const Json closed = f.closed(text);
  const Json& variables = closed.at("operationContext").at("environmentVariables");
  CHECK(variables.size() == 5);
  CHECK(variables.at("secret") == "a");
  CHECK(variables.at("ciphertext").contains("ciphertext"));
  CHECK(variables.at("password").contains("ciphertext"));
  CHECK(with_closed_secrets(closed, f.vault, k_stack) == closed);
  const Job job = f.job(text);
  REQUIRE(job.environment.size() == 5);
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"secret", "a"}, {"ciphertext", "b"}, {"isSecret", "c"}, {"password", "d"}, {"OTHER", "e"}}) {
    CAPTURE(name);
    const auto found = std::ranges::find(job.environment, name, &EnvironmentVariable::name);
    REQUIRE(found != job.environment.end());
    CHECK(found->value.reveal() == value);
  }
}

TEST_CASE("a ciphertext is taken back from where it was given, and from nowhere else", "[configuration]") {
  Fixture f;
  const Json one = f.closed(R"({"secret": "s"})");
  const Json document = {{"operationContext", {{"environmentVariables", {{"A", one}}}}}};
  CHECK(with_closed_secrets(document, f.vault, k_stack) == document);
  const StackName other{"default", "shop", "dev"};
  CHECK(code_of([&] { return with_closed_secrets(document, f.vault, other); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return f.closed(R"({"a": {"ciphertext": "v1:AAAA"}})"); }) == ErrorCode::malformed);
}

TEST_CASE("a patch merges, deletes and replaces", "[configuration]") {
  Fixture f;
  const Json before = f.closed(R"({"agentPoolID": "p", "operationContext": {"preRunCommands": ["a"],
    "environmentVariables": {"A": {"secret": "old"}, "B": "b"}}})");
  const Json patch = f.closed(R"({"agentPoolID": null, "operationContext": {"preRunCommands": ["c"],
    "environmentVariables": {"A": {"secret": "new"}, "B": null}}})");
  const Json after = merged(before, patch);
  CHECK_FALSE(after.contains("agentPoolID"));
  const Job job = job_of(after, k_stack, Operation::update, f.vault);
  CHECK(job.pre_run_commands == std::vector<std::string>{"c"});
  REQUIRE(job.environment.size() == 1);
  CHECK(job.environment[0].value.reveal() == "new");
}

TEST_CASE("airlock's own part says how a job runs", "[configuration]") {
  Fixture f;
  const Job job = f.job(R"({"airlock": {"tool": "tofu", "runner": "docker", "backendUrl": "file:///srv/s",
    "networks": ["db:5432", "10.0.0.0/8"],
    "limits": {"cpus": 1.5, "memory": "2GiB", "pids": 100, "timeout": "1h30m"}},
    "sourceContext": {"mirror": {"path": "/files/a.tar.gz", "directory": "x"}}})");
  CHECK(job.tool == Tool::tofu);
  CHECK(job.runner == RunnerKind::docker);
  CHECK(job.limits.cpu_millis == 1500);
  CHECK(job.limits.memory_bytes == 2ULL << 30);
  CHECK(job.limits.timeout == std::chrono::seconds(5400));
  CHECK(job.networks.size() == 2);
  CHECK(job.source->path == "/files/a.tar.gz");
}

TEST_CASE("a configuration that cannot be run is refused, and the reason names it", "[configuration]") {
  Fixture f;
  const auto refused = [&](const char* text, const char* named) {
    const auto error = error_of([&] { return f.job(text); });
    CAPTURE(text, error.message());
    CHECK((error.code() == ErrorCode::malformed || error.code() == ErrorCode::unsupported));
    CHECK(error.message().find(named) != std::string::npos);
  };
  refused(R"({"airlock": {"tool": "make"}})", "tool");
  refused(R"({"airlock": {"runer": "docker"}})", "runer");
  refused(R"({"airlock": {"limits": {"cpus": -1}}})", "cpus");
  refused(R"({"airlock": {"limits": {"memory": "lots"}}})", "memory");
  refused(R"({"airlock": {"limits": {"timeout": "soon"}}})", "soon");
  refused(R"({"airlock": {"networks": ["*"]}})", "*");
  refused(R"({"sourceContext": {"git": {"repoUrl": "ext::sh -c x"}}})", "repository");
  refused(R"({"sourceContext": {"git": {"repoUrl": "https://u:tok-1@a/b"}}})", "password");
  refused(R"({"sourceContext": {"git": {"repoUrl": "HTTP://tok-1@a"}}})", "password");
  refused(R"({"sourceContext": {"git": {"repoUrl": "ssh://git:tok-1@a/b"}}})", "password");
  refused(R"({"airlock": {"backendUrl": "postgres://u:tok-1@a/b"}})", "password");
  refused(R"({"airlock": {"backendUrl": "https://tok-1@a/b"}})", "token");
  CHECK_NOTHROW(f.job(R"({"sourceContext": {"git": {"repoUrl": "https://a/b@c"}}})"));
  CHECK_NOTHROW(f.job(R"({"sourceContext": {"git": {"repoUrl": "ssh://git@a/b"}}})"));
  refused(R"({"sourceContext": {"git": {"repoUrl": "https://a/b", "repoDir": "../x"}}})", "directory");
  refused(R"({"sourceContext": {"hg": {}}})", "hg");
  refused(R"({"sourceContext": {"git": {"repoUrl": "https://a/b"}, "mirror": {"path": "/x"}}})", "exclude");
  refused(R"({"sourceContext": {"archive": {"sha256": "zz"}}})", "SHA-256");
  refused(R"({"sourceContext": {"mirror": {"path": "/a/../b"}}})", "path");
  refused(R"({"operationContext": {"environmentVariables": {"A B": "x"}}})", "A B");
  refused(R"({"operationContext": {"environmentVariables": {"A": 5}}})", "A");
  refused(R"({"operationContext": {"oidc": {"aws": {"roleArn": "x"}}}})", "oidc");
  refused(R"({"executorContext": {"executorImage": "a b"}})", "image");
  refused(R"([])", "configuration");
  CHECK_NOTHROW(f.job(R"({"gitHub": {"repository": "a/b"}, "cacheOptions": {"enable": true}})"));
  CHECK(f.job(R"({"sourceContext": {"git": {"repoURL": "https://a/b", "branch": "refs/heads/main",
    "repoDir": "./infra/"}}})")
            .source->directory == "infra");
}

TEST_CASE("durations are read as Go writes them", "[configuration]") {
  CHECK(parse_go_duration("1h0m0s") == std::chrono::hours(1));
  CHECK(parse_go_duration("90s") == std::chrono::seconds(90));
  CHECK(parse_go_duration("45") == std::chrono::seconds(45));
  for (const auto* text : {"", "h", "1x", "-5s", "1.5h", "1h5", "9999999h", "99999999999999999999s"}) {
    CAPTURE(text);
    CHECK(code_of([&] { return parse_go_duration(text); }) == ErrorCode::malformed);
  }
}

}  // namespace airlock::control
