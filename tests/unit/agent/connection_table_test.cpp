#include "agent/connection_table.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>

#include "support/catch.hpp"

namespace airlock::agent {
namespace {

using Clock = ConnectionTable::Clock;

// What stands for a connection outside, and whether the table still holds it.
class Outside {
 public:
  Outside() {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    m_ours = base::Fd(ends[0]);
    m_theirs = base::Fd(ends[1]);
  }
  base::Fd take() { return std::move(m_theirs); }
  bool is_open() const {
    pollfd watched{m_ours.get(), 0, 0};
    return poll(&watched, 1, 0) == 0;  // else POLLHUP
  }

 private:
  base::Fd m_ours, m_theirs;
};

Ends ends_from(std::uint16_t port) {
  return {*base::IpAddress::parse("198.51.100.2"), port, *base::IpAddress::parse("10.0.0.7"), 443};
}

TEST_CASE("an outside that nobody takes is closed after a while", "[agent][connections]") {
  ConnectionTable table;
  Outside outside;
  const auto port = table.add(ends_from(4000));
  REQUIRE(port);
  table.set_outside(*port, outside.take());
  table.forget_ended(Clock::now() + std::chrono::seconds(20));
  CHECK(outside.is_open());
  CHECK(table.find(ends_from(4000)));
  table.forget_ended(Clock::now() + std::chrono::seconds(40));
  CHECK_FALSE(outside.is_open());
  CHECK_FALSE(table.find(ends_from(4000)));
  CHECK_FALSE(table.ends_of(*port));
}

TEST_CASE("a connection that is carried on stays known, however long", "[agent][connections]") {
  ConnectionTable table;
  Outside outside;
  const auto port = table.add(ends_from(4000));
  REQUIRE(port);
  // One that is still being made has no outside yet.
  table.forget_ended(Clock::now() + std::chrono::hours(1));
  CHECK(table.find(ends_from(4000)));
  table.set_outside(*port, outside.take());
  const auto taken = table.take_outside(*port);
  table.set_reset(*port);  // whoever carries it on learns that by itself
  table.forget_ended(Clock::now() + std::chrono::hours(1));
  CHECK(table.find(ends_from(4000)));
  CHECK(outside.is_open());
  table.set_ended(*port);
  table.forget_ended(Clock::now() + std::chrono::seconds(30));
  CHECK(table.find(ends_from(4000)));
  table.forget_ended(Clock::now() + std::chrono::seconds(90));
  CHECK_FALSE(table.find(ends_from(4000)));
}

TEST_CASE("a connection that was reset before it was taken is closed at once", "[agent][connections]") {
  ConnectionTable table;
  Outside outside;
  const auto port = table.add(ends_from(4000));
  REQUIRE(port);
  CHECK_FALSE(table.add(ends_from(4000)));
  table.set_outside(*port, outside.take());
  table.set_reset(*port);
  CHECK_FALSE(outside.is_open());
  CHECK_FALSE(table.take_outside(*port));
  CHECK(table.ends_of(*port) == ends_from(4000));  // for late packets
  CHECK(table.add(ends_from(4000)));               // the job may try again
}

}  // namespace
}  // namespace airlock::agent
