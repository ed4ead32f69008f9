// Folders that users upload for a deployment, and what becomes of one whose file is damaged.
#include <fstream>

#include "base/digest.hpp"
#include "base/files.hpp"
#include "running_plane.hpp"
#include "support/catch.hpp"

namespace airlock::control {

TEST_CASE("an uploaded folder reaches the agent as it was", "[api]") {
  RunningPlane plane;
  TestAgent agent(plane, plane.make_pool());
  const std::string content(300'000, 'z');
  const base::Digest digest = base::sha256(content);
  const std::string path = "/api/sources/" + digest.to_string();
  CHECK(plane.send("PUT", path, plane.admin_token(), "something else").status == 400);
  CHECK(plane.user("GET", path).status == 404);
  CHECK(plane.send("PUT", path, plane.admin_token(), content).status == 201);
  CHECK(plane.send("PUT", path, plane.admin_token(), content).status == 200);
  CHECK(plane.user("GET", path).body == content);
  plane.deploy("shop/prod", "update", {{"sourceContext", {{"archive", {{"sha256", digest.hex()}}}}}});
  REQUIRE(agent.poll());
  CHECK(agent.claim.job.source->sha256 == digest.hex());
  CHECK(agent.claim.job.source->length == content.size());
  REQUIRE(agent.begin().status == 200);
  CHECK(agent.job("source").body == content);
  CHECK(agent.complete(JobResult::succeeded).status == 200);
  CHECK(agent.job("source").status == 409);
}

TEST_CASE("an uploaded folder whose file was damaged is not there, and is uploaded again", "[api]") {
  RunningPlane plane;
  const std::string content = "a small archive";
  const auto digest = base::sha256(content);
  const std::string path = "/api/sources/" + digest.to_string();
  REQUIRE(plane.send("PUT", path, plane.admin_token(), content).status == 201);
  CHECK(plane.user("HEAD", path).status == 200);
  const auto file = plane.home() / "control" / "sources" / "sha256" / digest.hex().substr(0, 2) / digest.hex();
  REQUIRE(base::read_file(file, 1000) == content);
  const std::string damage = GENERATE(as<std::string>{}, "", "a small", "a small ARCHIVE");
  INFO(damage);
  base::write_file_atomic(file, damage);
  SECTION("asked for") {
    CHECK(plane.user("HEAD", path).status == 404);
  }
  SECTION("sent") {
    // Neither a body of another length nor one that is not what its path says does more harm.
    CHECK(plane.send("PUT", path, plane.admin_token(), "something else").status == 400);
  }
  CHECK(plane.send("PUT", path, plane.admin_token(), content).status == 201);
  CHECK(plane.send("PUT", path, plane.admin_token(), "longer than what is here").status == 400);
  CHECK(plane.user("GET", path).body == content);
}

TEST_CASE("an uploaded folder is read once, and again after a restart", "[api]") {
  RunningPlane plane;
  const std::string content = "a small archive";
  const auto digest = base::sha256(content);
  const std::string path = "/api/sources/" + digest.to_string();
  REQUIRE(plane.send("PUT", path, plane.admin_token(), content).status == 201);
  const auto file = plane.home() / "control" / "sources" / "sha256" / digest.hex().substr(0, 2) / digest.hex();
  // Other bytes in the same file, which looks as before.
  const auto written = base::fs::last_write_time(file);
  std::fstream(file, std::ios::in | std::ios::out) << "A SMALL";
  base::fs::last_write_time(file, written);
  CHECK(plane.user("HEAD", path).status == 200);
  CHECK(plane.send("PUT", path, plane.admin_token(), content).status == 200);
  plane.restart();
  CHECK(plane.user("HEAD", path).status == 404);
  CHECK_FALSE(base::fs::exists(file));
  CHECK(plane.send("PUT", path, plane.admin_token(), content).status == 201);
  CHECK(plane.user("GET", path).body == content);
}

TEST_CASE("an uploaded folder is read again once a job with it has failed", "[api]") {
  RunningPlane plane;
  TestAgent agent(plane, plane.make_pool());
  const std::string content = "a small archive";
  const auto digest = base::sha256(content);
  const std::string path = "/api/sources/" + digest.to_string();
  REQUIRE(plane.send("PUT", path, plane.admin_token(), content).status == 201);
  const auto file = plane.home() / "control" / "sources" / "sha256" / digest.hex().substr(0, 2) / digest.hex();
  const auto written = base::fs::last_write_time(file);
  std::fstream(file, std::ios::in | std::ios::out) << "A SMALL";
  base::fs::last_write_time(file, written);
  const auto run = [&](JobResult result) {
    plane.deploy("shop/prod", "update", {{"sourceContext", {{"archive", {{"sha256", digest.hex()}}}}}});
    REQUIRE(agent.poll());
    REQUIRE(agent.begin().status == 200);
    CHECK(agent.job("source").body == "A SMALL archive");
    CHECK(agent.complete(result).status == 200);
  };
  run(JobResult::succeeded);
  CHECK(plane.user("HEAD", path).status == 200);
  run(JobResult::failed);
  CHECK(plane.user("HEAD", path).status == 404);
  CHECK(plane.send("PUT", path, plane.admin_token(), content).status == 201);
  CHECK(plane.user("GET", path).body == content);
}

}  // namespace airlock::control
