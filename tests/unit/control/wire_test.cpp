#include "control/wire.hpp"

#include "base/error.hpp"
#include "control/wire_checks.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::control {

using base::ErrorCode;
using test::code_of;

namespace {

Claim full_claim() {
  Claim claim;
  claim.deployment_id = "01234567-89ab-4def-8123-456789abcdef";
  claim.version = 7;
  claim.attempt = 2;
  claim.job_token = base::Secret("airlock_job_x");
  claim.lease = std::chrono::seconds(10);
  claim.job.stack = {"default", "shop", "prod"};
  claim.job.operation = Operation::destroy;
  claim.job.tool = Tool::tofu;
  claim.job.runner = RunnerKind::docker;
  Source source;
  source.kind = Source::Kind::git;
  source.url = "ssh://git@git.site.example/shop.git";
  source.branch = "main";
  source.directory = "infra/prod";
  source.ssh_key = base::Secret("-----BEGIN\nkey\n");
  claim.job.source = source;
  claim.job.pre_run_commands = {"echo 'a\nb'"};
  claim.job.environment = {{"A", base::Secret("plain"), false}, {"B", base::Secret("s3cret\n"), true}};
  claim.job.image = {"registry.site.example/tool:3", "robot", base::Secret("pw")};
  claim.job.limits = {1500, 1ULL << 31, 500, std::chrono::seconds(90)};
  claim.job.networks = {NetworkRule::parse("db.site.example:5432"), NetworkRule::parse("[fd00::]/16")};
  claim.job.backend_url = "file:///srv/state";
  claim.job.skip_install_dependencies = true;
  claim.job.initiator = "alice";
  return claim;
}

std::string with(std::string text, std::string_view what, std::string_view instead) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), instead);
}

}  // namespace

TEST_CASE("a claim arrives as it was sent", "[wire]") {
  const std::string text = print(full_claim());
  const Claim claim = parse_claim(text);
  CHECK(print(claim) == text);
  CHECK(claim.job.stack.to_string() == "default/shop/prod");
  CHECK(claim.job.environment.at(1).value.reveal() == "s3cret\n");
  CHECK(claim.job.environment.at(1).secret);
  CHECK(claim.job.source->ssh_key.reveal() == "-----BEGIN\nkey\n");
  CHECK(claim.job.limits.timeout == std::chrono::seconds(90));
  CHECK(claim.job.networks.at(1).to_string() == "[fd00::]/16");
}

TEST_CASE("a claim that no agent could run is refused", "[wire]") {
  const std::string text = print(full_claim());
  CHECK(code_of([&] { return parse_claim(with(text, "destroy", "format-disk")); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return parse_claim(with(text, "infra/prod", "../../etc")); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return parse_claim(with(text, "\"name\":\"A\"", "\"name\":\"A B\"")); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return parse_claim(with(text, "01234567-", "../../x-")); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return parse_claim(with(text, "\"pids\":500", "\"pids\":-1")); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return parse_claim(with(text, "\"pids\":500", "\"pids\":1.5")); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return parse_claim(text.substr(0, text.size() / 2)); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return parse_claim("[]"); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return parse_claim(std::string(limits::k_claim + 1, ' ')); }) == ErrorCode::limit);
  CHECK_NOTHROW(parse_claim(with(text, "{", "{\"laterField\":[1,{\"x\":2}],")));
}

TEST_CASE("what git would take for an option or a command is no repository", "[wire]") {
  Source source;
  source.kind = Source::Kind::git;
  for (const auto* url : {"", "--upload-pack=touch /tmp/x", "ext::sh -c x", "https://a b", "javascript://x/y",
                          "no-colon", "https://git.site.example/\\x"}) {
    CAPTURE(url);
    source.url = url;
    CHECK(code_of([&] { check_source(source); }) == ErrorCode::malformed);
  }
  for (const auto* url : {"https://git.site.example/a.git", "git@git.site.example:team/a.git", "file:///srv/a.git"}) {
    CAPTURE(url);
    source.url = url;
    CHECK_NOTHROW(check_source(source));
  }
  source.branch = "-f";
  CHECK(code_of([&] { check_source(source); }) == ErrorCode::malformed);
  source.branch = "main";
  source.commit = "0123456789abcdef0123456789abcdef01234567";
  CHECK(code_of([&] { check_source(source); }) == ErrorCode::malformed);
  source.branch.clear();
  CHECK_NOTHROW(check_source(source));
  source.commit = "HEAD~1";
  CHECK(code_of([&] { check_source(source); }) == ErrorCode::malformed);
}

TEST_CASE("network rules say one thing only", "[wire]") {
  for (const auto* text : {"db.site.example", "db.site.example:5432", "10.1.0.0/16", "10.1.2.3:22", "10.0.0.0/8:443",
                           "[fd00::]/16", "[fd00::7]:443"}) {
    CAPTURE(text);
    CHECK(NetworkRule::parse(text).to_string() == text);
  }
  CHECK(NetworkRule::parse("fd00::/16").to_string() == "[fd00::]/16");
  CHECK(NetworkRule::parse("DB.Site.Example").host == "db.site.example");
  for (const auto* text : {"", "*", "a b", "10.1.2", "10.1.2.3.4", "999.1.1.1", "10.0.0.0/33", "db/16", "db:0",
                           "db:65536", "db:", "[fd00::", "[10.1.2.3]:1", "-x", "a..b", "https://a", "fd00::/129"}) {
    CAPTURE(text);
    CHECK(code_of([&] { return NetworkRule::parse(text); }) == ErrorCode::malformed);
  }
}

TEST_CASE("stacks have three plain names", "[wire]") {
  CHECK(StackName::parse("shop/prod").to_string() == "default/shop/prod");
  CHECK(StackName::parse("acme/shop/prod-1.2").organization == "acme");
  for (const auto* text : {"", "prod", "a/b/c/d", "a//b", "../b", "a/b c", "a/.b", "a/-b"}) {
    CAPTURE(text);
    CHECK(code_of([&] { return StackName::parse(text); }) == ErrorCode::malformed);
  }
}

TEST_CASE("an agent names itself in its query", "[wire]") {
  AgentIdentity agent;
  agent.hostname = "host a&b";
  agent.pid = "17";
  agent.platform = "linux/amd64";
  agent.version = "1.2";
  agent.instance = "0123456789abcdef";
  agent.runners = {RunnerKind::process, RunnerKind::docker};
  CHECK(query_text(agent) == "hostname=host%20a%26b&pid=17&platform=linux%2Famd64&version=1.2&instance="
                             "0123456789abcdef&runners=process%2Cdocker&wait=20");
  QueryFields query{{"hostname", "h"}, {"pid", "17"}, {"instance", "01234567"}, {"runners", "docker"}, {"wait", "900"}};
  CHECK(parse_identity(query).wait == std::chrono::seconds(25));
  CHECK(parse_identity(query).runners == std::vector<RunnerKind>{RunnerKind::docker});
  const auto refused = [&](const std::string& name, const std::string& value) {
    QueryFields changed = query;
    for (auto& [key, text] : changed) {
      text = key == name ? value : text;
    }
    return code_of([&] { return parse_identity(changed); }) == ErrorCode::malformed;
  };
  CHECK(refused("hostname", ""));
  CHECK(refused("hostname", "a\x1b[31m"));
  CHECK(refused("hostname", std::string(300, 'a')));
  CHECK(refused("pid", "x"));
  CHECK(refused("instance", "short"));
  CHECK(refused("instance", "../../../../x"));
  CHECK(refused("runners", "vm"));
  CHECK(refused("runners", ""));
  CHECK(refused("wait", "-1"));
}

TEST_CASE("reports survive the way, odd bytes made harmless", "[wire]") {
  const UnixMillis moment = parse_rfc3339_millis("2026-07-01T12:00:00.123456+02:00");
  CHECK(to_rfc3339(moment) == "2026-07-01T10:00:00.123Z");

  const LogAppend odd{3, 17, {{moment, std::string("a\0b\xff\n", 5)}}};
  const LogAppend read = parse_log_append(print(odd));
  CHECK(read.step == 3);
  CHECK(read.offset == 17);
  CHECK(read.lines.at(0).text == "a\xEF\xBF\xBD"
                                 "b\xEF\xBF\xBD\n");
  CHECK(read.lines.at(0).time == moment);

  StepReport step{1, "Get source", StepStatus::failed, moment, std::nullopt};
  const StepReports steps = parse_step_reports(print(StepReports{{step}}));
  CHECK(steps.steps.at(0).status == StepStatus::failed);
  CHECK(steps.steps.at(0).started == moment);
  CHECK_FALSE(steps.steps.at(0).updated);

  RefusedAttempt attempt{moment, 2, "evil\x1b[2J.example", 443, "tcp", "np\nm", 4};
  const RefusedAppend refused = parse_refused_append(print(RefusedAppend{0, {attempt}}));
  CHECK(refused.attempts.at(0).target == "evil\\x1b[2J.example");
  CHECK(refused.attempts.at(0).count == 4);

  const Completion done = parse_completion(print(Completion{JobResult::cancelled, "two\nlines", 130}));
  CHECK(done.result == JobResult::cancelled);
  CHECK(done.exit_code == 130);
  const LeaseAnswer lease = parse_lease_answer(print(LeaseAnswer{std::chrono::seconds(9), true, "why"}));
  CHECK(lease.cancel);
  CHECK(lease.lease == std::chrono::seconds(9));
  CHECK(parse_append_answer(print(AppendAnswer{5, true})).truncated);
}

TEST_CASE("reports beyond their limits are refused", "[wire]") {
  const auto log = [](const std::string& line, const std::string& offset = "0") {
    return code_of([&] {
      return parse_log_append(R"({"step":0,"offset":)" + offset +
                              R"(,"lines":[{"timestamp":"2026-07-01T12:00:00Z","line":")" + line + R"("}]})");
    });
  };
  CHECK(log(std::string(limits::k_line + 1, 'x')) == ErrorCode::malformed);
  CHECK(log("a\\nb\\n") == ErrorCode::malformed);
  CHECK(log("a", "-1") == ErrorCode::malformed);
  CHECK(log("a", "99999999999") == ErrorCode::malformed);
  CHECK(code_of([] { return parse_log_append(R"({"step":9999,"offset":0,"lines":[]})"); }) == ErrorCode::malformed);
  CHECK(code_of([] {
          return parse_log_append(R"({"step":0,"offset":0,"lines":[{"timestamp":"yesterday","line":""}]})");
        }) == ErrorCode::malformed);
  CHECK(code_of([] { return parse_step_reports(R"({"steps":[{"step":0,"name":"x","status":"odd"}]})"); }) ==
        ErrorCode::malformed);
  CHECK(code_of([] { return parse_completion(R"({"result":"maybe"})"); }) == ErrorCode::malformed);
  CHECK(code_of([] { return parse_completion(R"({"result":"failed","exitCode":-9})"); }) == ErrorCode::malformed);
  CHECK(code_of([] {
          return parse_refused_append(R"({"offset":0,"attempts":[{"timestamp":"2026-07-01T12:00:00Z",)"
                                      R"("step":0,"target":"a","port":70000}]})");
        }) == ErrorCode::malformed);
}

}  // namespace airlock::control
