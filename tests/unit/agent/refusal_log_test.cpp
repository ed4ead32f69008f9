#include "agent/refusal_log.hpp"

#include "base/files.hpp"
#include "support/catch.hpp"

namespace airlock::agent {
namespace {

TEST_CASE("the journal of refusals ends with a word on it", "[agent][refusals]") {
  base::TempDir folder;
  Spool spool(folder.path(), {"01234567-89ab-4cde-8f01-23456789abcd", 1, base::Secret("jt")}, 1 << 20);
  RefusalLog log(spool, 20);
  for (std::uint16_t port = 1; port <= 100; ++port) {
    log.add({"10.0.0.1", port, "tcp", "scan (pid 9)"});
  }
  log.flush();
  const auto refused = spool.unsent_refused();
  REQUIRE(refused);
  REQUIRE(refused->attempts.size() == 20);
  CHECK(refused->attempts.at(18).port == 19);
  CHECK(refused->attempts.at(19).target == "(more, which are not kept)");
}

TEST_CASE("repeats of a refusal are a number", "[agent][refusals]") {
  base::TempDir folder;
  Spool spool(folder.path(), {"01234567-89ab-4cde-8f01-23456789abcd", 1, base::Secret("jt")}, 1 << 20);
  RefusalLog log(spool);
  for (int i = 0; i < 100; ++i) {
    log.add({"10.0.0.1", 80, "tcp", ""});
  }
  log.flush();
  const auto refused = spool.unsent_refused();
  REQUIRE(refused);
  REQUIRE(refused->attempts.size() == 2);
  CHECK(refused->attempts.at(1).count == 99);
}

}  // namespace
}  // namespace airlock::agent
