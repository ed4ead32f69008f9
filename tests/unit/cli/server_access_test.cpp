// Commands against a server that stumbles.
#include <atomic>

#include "cli_fixture.hpp"
#include "support/fault_server.hpp"

using namespace airlock;
using namespace airlock::test;

TEST_CASE("what may be asked twice is asked again, and a deployment is queued once") {
  const CommandLine line;
  const auto folder = line.folder() / "infra";
  base::make_directories(folder);
  base::write_file_atomic(folder / "deploy", "#!/bin/sh\n");
  base::write_file_atomic(line.folder() / "token", "t\n", 0600);
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
    return line.run({"deploy", "create", "shop/prod", "update", "--tool", "script", "--source", folder.string(),
                     "--url", server.url(""), "--token-file", (line.folder() / "token").string(), "--json"});
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
