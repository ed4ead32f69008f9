#include "agent/docker_api.hpp"

#include <thread>

#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/fault_server.hpp"

namespace airlock::agent {
namespace {

TEST_CASE("two streams in one are taken apart, however they are cut", "[agent][docker]") {
  const std::string bytes = std::string("\x01\0\0\0\0\0\0\x03one", 11) + std::string("\x02\0\0\0\0\0\0\0", 8) +
                            std::string("\x02\0\0\0\0\0\0\x04 two", 12);
  const auto size = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{8}, std::size_t{100});
  std::string out;
  DockerFrames frames([&](std::string_view text) { out += text; });
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    frames.feed(std::string_view(bytes).substr(at, size));
  }
  CHECK(out == "one two");
}

TEST_CASE("an exit code is what the daemon notes, however long after the output", "[agent][docker]") {
  base::TempDir folder;
  test::FaultServer engine(folder.path() / "docker.sock");
  engine.script("/_ping", {{.body = "OK"}});
  engine.script("/exec/e/start", {{.body = std::string("\x01\0\0\0\0\0\0\x03one", 11)}});
  const test::FaultAnswer runs{.body = R"({"Running": true, "ExitCode": null, "Pid": 1})"};
  DockerApi docker(folder.path() / "docker.sock");
  std::string out;
  docker.run_exec("e", [&](std::string_view text) { out += text; });
  CHECK(out == "one");
  const auto never = [] { return false; };
  const std::chrono::milliseconds at_once(0);
  SECTION("its own") {
    const int code = GENERATE(0, 3, 137);
    engine.script("/exec/e/json", [&](const test::FaultRequest&, std::size_t count) {
      return count < 150 ? runs
                         : test::FaultAnswer{.body = R"({"Running": false, "ExitCode": )" + std::to_string(code) + "}"};
    });
    CHECK(docker.exit_code("e", never, at_once) == code);
    const auto requests = engine.requests();
    REQUIRE(requests.size() == 1 + 1 + 151);
    CHECK(requests[1].target == "/exec/e/start");
    CHECK(requests.back().target == "/exec/e/json");
  }
  SECTION("none once it is given up") {
    engine.script("/exec/e/json", {runs});
    int looks = 0;
    CHECK_FALSE(docker.exit_code(
        "e", [&] { return ++looks > 3; }, at_once));
    CHECK(engine.requests("/exec/e/json").size() == 3);
  }
  SECTION("an error where it ended without one") {
    engine.script("/exec/e/json", {{.body = R"({"Running": false, "ExitCode": null})"}});
    CHECK(test::code_of([&] { docker.exit_code("e", never, at_once); }) == base::ErrorCode::upstream);
  }
  SECTION("an error where the daemon knows it no more") {
    engine.script("/exec/e/json", {runs, {.status = 404, .body = R"({"message": "No such exec instance: e"})"}});
    CHECK(test::code_of([&] { docker.exit_code("e", never, at_once); }) == base::ErrorCode::not_found);
  }
}

constexpr DockerPatience k_a_second{std::chrono::seconds(1), std::chrono::seconds(1)};

TEST_CASE("a daemon that says nothing at all is given up", "[agent][docker]") {
  base::TempDir folder;
  test::FaultServer engine(folder.path() / "docker.sock");
  engine.script("/_ping", {{.silent = true}});
  const auto error = test::error_of([&] { const DockerApi docker(folder.path() / "docker.sock", k_a_second); });
  CHECK(error.code() == base::ErrorCode::unsupported);
  CHECK(error.message().find("nothing moved for 1 s") != std::string::npos);
}

TEST_CASE("a daemon that stands still is given up, and a command that is silent is not", "[agent][docker]") {
  base::TempDir folder;
  test::FaultServer engine(folder.path() / "docker.sock");
  engine.script("/_ping", {{.body = "OK"}});
  DockerApi docker(folder.path() / "docker.sock", k_a_second);
  const std::function<void(const std::string&)> unheard = [](const std::string&) {};
  const auto code_of_pull = [&](const std::function<bool()>& given_up) {
    return test::code_of([&] { docker.pull("debian:12", "", {}, unheard, given_up); });
  };
  SECTION("later") {
    engine.script("/containers/c/kill", {{.silent = true}});
    engine.script("/containers/c", {{.silent = true}});
    engine.script("/images/create", {{.silent = true}});
    CHECK(test::code_of([&] { docker.kill("c"); }) == base::ErrorCode::network);
    CHECK(test::code_of([&] { docker.remove("c"); }) == base::ErrorCode::network);
    CHECK(code_of_pull({}) == base::ErrorCode::network);
  }
  SECTION("a command") {
    engine.script("/exec/e/start", [](const test::FaultRequest&, std::size_t) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2500));
      return test::FaultAnswer{.body = std::string("\x01\0\0\0\0\0\0\x03one", 11)};
    });
    std::string out;
    docker.run_exec("e", [&](std::string_view text) { out += text; });
    CHECK(out == "one");
  }
  SECTION("what nobody waits for any more") {
    engine.script("/exec/e/start", {{.silent = true}});
    engine.script("/images/create", {{.silent = true}});
    const auto at_once = [] { return true; };
    CHECK(test::code_of([&] {
            docker.run_exec(
                "e", [](std::string_view) {}, at_once);
          }) == base::ErrorCode::interrupted);
    CHECK(code_of_pull(at_once) == base::ErrorCode::interrupted);
  }
}

TEST_CASE("output that something holds open after its command's end is not waited for", "[agent][docker]") {
  base::TempDir folder;
  test::FaultServer engine(folder.path() / "docker.sock");
  engine.script("/_ping", {{.body = "OK"}});
  DockerApi docker(folder.path() / "docker.sock", {.last_words = std::chrono::seconds(1)});
  const std::string one("\x01\0\0\0\0\0\0\x03one", 11);
  std::string out;
  const auto run = [&] { return docker.run_exec("e", [&](std::string_view text) { out += text; }); };
  SECTION("where it has ended") {
    const std::string more = std::string("\x01\0\0\0\0\0\x27\x10", 8) + std::string(10'000, '.');
    engine.script("/exec/e/start", {{.body = one + more, .trickle = std::chrono::milliseconds(20)}});
    engine.script("/exec/e/json", {{.body = R"({"Running": false, "ExitCode": 3})"}});
    CHECK_FALSE(run());
    CHECK(out.starts_with("one"));
    CHECK(out.size() < 10'000);
    CHECK(engine.requests("/exec/e/json").size() == 2);
    CHECK(docker.exit_code("e", [] { return false; }) == 3);
  }
  SECTION("but while it runs, or where nothing tells that it does not") {
    const std::vector<test::FaultAnswer> looks = {{.body = R"({"Running": true, "ExitCode": null})"},
                                                  {.body = R"({"Running": false, "ExitCode": null})"},
                                                  {.status = 500, .body = R"({"message": "no idea"})"}};
    engine.script("/exec/e/start", {{.body = one, .trickle = std::chrono::milliseconds(300)}});
    engine.script("/exec/e/json", {looks[GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{2})]});
    CHECK(run());
    CHECK(out == "one");
    CHECK(engine.requests("/exec/e/json").size() >= 2);
  }
}

TEST_CASE("the daemon's answers are read, and those of another shape are its fault", "[agent][docker]") {
  using base::Json;
  const auto json = [](const char* text) { return Json::parse(text); };
  CHECK(pid_of_container(json(R"({"State":{"Pid":4711,"OOMKilled":false}})")) == 4711);
  CHECK(is_out_of_memory(json(R"({"State":{"Pid":0,"OOMKilled":true}})")));
  CHECK(pid_of_exec(json(R"({"Pid":0})")) == 0);
  CHECK(exit_code_of_exec(json(R"({"Running":false,"ExitCode":137})")) == 137);
  CHECK_FALSE(exit_code_of_exec(json(R"({"Running":true,"ExitCode":0})")));
  CHECK_FALSE(exit_code_of_exec(json(R"({"Running":false,"ExitCode":null})")));
  CHECK(environment_of_image(json(R"({"Config":{"Env":["PATH=/bin","A=b=c","none",5,"=x"]}})")) ==
        std::map<std::string, std::string>{{"A", "b=c"}, {"PATH", "/bin"}});
  CHECK(environment_of_image(json(R"({"Config":{"Env":null}})")).empty());
  CHECK(environment_of_image(json("[]")).empty());
  CHECK(container_ids(json(R"([{"Id":"a"},{"Id":"b"}])")) == std::vector<std::string>{"a", "b"});

  for (const char* odd : {"null", "[]", "7", R"({"State":5,"Pid":"1","Running":"no","ExitCode":0})",
                          R"({"State":{"Pid":-1,"OOMKilled":0},"Pid":4294967297,"Running":false,"ExitCode":"0"})",
                          R"({"State":{"Pid":1.5},"Pid":null,"Running":false,"ExitCode":9999999999})"}) {
    INFO(odd);
    const Json answer = json(odd);
    CHECK(test::code_of([&] { return pid_of_container(answer); }) == base::ErrorCode::upstream);
    CHECK(test::code_of([&] { return is_out_of_memory(answer); }) == base::ErrorCode::upstream);
    CHECK(test::code_of([&] { return pid_of_exec(answer); }) == base::ErrorCode::upstream);
    CHECK(test::code_of([&] { return exit_code_of_exec(answer); }) == base::ErrorCode::upstream);
  }
  CHECK(test::code_of([&] { return container_ids(json(R"([{"Id":5}])")); }) == base::ErrorCode::upstream);
}

TEST_CASE("a pull tells what it did, and its error also as a last line without an end", "[agent][docker]") {
  std::vector<std::string> said;
  const std::function<void(const std::string&)> say = [&](const std::string& text) { said.push_back(text); };
  const auto pull = [&](std::string_view text) {
    PullStatus status("debian:12", say);
    for (; !text.empty(); text.remove_prefix(1)) {
      status.write(base::as_bytes(text.substr(0, 1)));
    }
    status.finish();
    return said.size();
  };
  CHECK(pull("{\"status\":\"Pulling\"}\r\n\n{\"status\":\"Digest: sha256:aa\"}\n{\"status\":\"Status: new\"}") == 2);
  CHECK(said == std::vector<std::string>{"Digest: sha256:aa", "Status: new"});
  for (const char* bad : {R"({"error":"no such host"})", R"({"error":5})", R"({"status":[]})", "[1]", "<html>"}) {
    INFO(bad);
    CHECK(test::code_of([&] { return pull(bad); }) == base::ErrorCode::upstream);
  }
}

TEST_CASE("an image's place on the mirror", "[agent][docker]") {
  const auto mirror = base::Url::parse("http://127.0.0.1:8480/");
  const std::string digest = "@sha256:" + std::string(64, 'a');
  CHECK(image_on_mirror("debian:12", mirror) == "127.0.0.1:8480/docker.io/library/debian:12");
  CHECK(image_on_mirror("team/app" + digest, mirror) == "127.0.0.1:8480/docker.io/team/app" + digest);
  CHECK(image_on_mirror("registry.example:5000/team/app:1" + digest, mirror) ==
        "127.0.0.1:8480/registry.example_5000/team/app" + digest);
  CHECK(image_on_mirror("127.0.0.1:8480/a/b:1", mirror) == "127.0.0.1:8480/a/b:1");
  CHECK(image_on_mirror("debian", mirror) == "127.0.0.1:8480/docker.io/library/debian:latest");
  CHECK_THROWS(image_on_mirror("a b", mirror));
}

}  // namespace
}  // namespace airlock::agent
