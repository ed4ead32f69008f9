// The adaptive limit, the gate, and the rate limit. Time is handed in wherever it decides something.
#include <atomic>
#include <thread>
#include <vector>

#include "http/client_gate.hpp"
#include "http/client_rate.hpp"
#include "http_fixture.hpp"
#include "support/fault_server.hpp"

namespace airlock::http {

namespace {

using TimePoint = AdaptiveLimit::TimePoint;

// Plays `windows` windows of one second in an origin whose throughput `rate_at` gives for a limit.
template <typename RateAt>
TimePoint play(AdaptiveLimit& limit, TimePoint now, int windows, RateAt&& rate_at) {
  for (int i = 0; i < windows; ++i) {
    limit.on_progress(now, 0, 0, true);
    now += std::chrono::seconds(1);
    limit.on_progress(now, static_cast<std::uint64_t>(rate_at(limit.allowed())), limit.allowed(), true);
  }
  return now;
}

TimePoint start() {
  return TimePoint(std::chrono::hours(1));
}

}  // namespace

TEST_CASE("a held request takes no place and is not put off", "[http][client][gate]") {
  test::FaultServer server;
  std::atomic<bool> release = false;
  server.script("/slow", [&](const test::FaultRequest&, std::size_t) {
    while (!release) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return test::FaultAnswer{.body = "slow"};
  });
  server.script("/busy", {{.status = 429, .fields = {{"Retry-After", "100"}}}});
  server.script("/held", {{.status = 503}, {.body = "yes"}});
  ClientOptions options = quick_options();
  options.initial_transfers_per_host = 2;
  options.max_transfers_per_host = 2;
  Client client(options);
  const auto ask = [&](const char* path, Wait wait) {
    Request request{.url = url_of(server.url(path))};
    request.wait = wait;
    request.retry = false;
    return client.send(request).status;
  };
  CHECK(ask("/held", Wait::held) == 503);
  CHECK(client.transfers_allowed(url_of(server.url("/"))) == 2);
  std::thread transfer([&] { ask("/slow", Wait::brief); });
  while (server.requests("/slow").empty()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(ask("/busy", Wait::brief) == 429);  // one place is left, and it is taken; none may knock for long
  CHECK(client.transfers_allowed(url_of(server.url("/"))) == 1);
  CHECK(ask("/held", Wait::held) == 200);
  release = true;
  transfer.join();
}

TEST_CASE("the limit rises while that raises the throughput, up to the ceiling", "[http][client][gate]") {
  AdaptiveLimit limit(4, 10);
  CHECK(limit.allowed() == 4);
  play(limit, start(), 30, [](int allowed) { return allowed * 10'000'000; });
  CHECK(limit.allowed() == 10);
}

TEST_CASE("the limit stays where more brings nothing", "[http][client][gate]") {
  AdaptiveLimit limit(4, 16);
  play(limit, start(), 200, [](int) { return 100'000'000; });
  CHECK(limit.allowed() <= 5);
  CHECK(limit.allowed() >= 4);
}

TEST_CASE("the limit does not move where nobody waits", "[http][client][gate]") {
  AdaptiveLimit limit(4, 16);
  TimePoint now = start();
  for (int i = 0; i < 50; ++i) {
    now += std::chrono::seconds(1);
    limit.on_progress(now, 10'000'000, 4, false);
  }
  CHECK(limit.allowed() == 4);
}

TEST_CASE("an overload halves the limit, once for one wave of answers", "[http][client][gate]") {
  AdaptiveLimit limit(12, 16);
  const TimePoint now = start();
  limit.on_overload(now);
  limit.on_overload(now + std::chrono::milliseconds(10));
  limit.on_overload(now + std::chrono::seconds(2));
  CHECK(limit.allowed() == 6);
  limit.on_overload(now + std::chrono::seconds(4));
  CHECK(limit.allowed() == 3);
  for (int i = 2; i < 10; ++i) {
    limit.on_overload(now + std::chrono::seconds(4 * i));
  }
  CHECK(limit.allowed() == 1);
}

TEST_CASE("a halved limit holds for a while and then climbs again", "[http][client][gate]") {
  AdaptiveLimit limit(8, 16);
  const auto linear = [](int allowed) { return allowed * 10'000'000; };
  limit.on_overload(start());
  TimePoint now = play(limit, start(), 10, linear);
  CHECK(limit.allowed() == 4);
  play(limit, now, 60, linear);
  CHECK(limit.allowed() == 16);
}

TEST_CASE("no more threads pass the gate than it allows", "[http][client][gate]") {
  Gate gate(3, 3);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const Gate::Pass pass = gate.enter();
        const int now = ++inside;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::yield();
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(most <= 3);
  CHECK(inside == 0);
}

TEST_CASE("a client sends no more requests to a host at once than the limit", "[http][client][gate]") {
  test::FaultServer server;
  server.script("/slow", [](const test::FaultRequest&, std::size_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return test::FaultAnswer{.body = "x"};
  });
  ClientOptions options = quick_options();
  options.initial_transfers_per_host = 2;
  options.max_transfers_per_host = 2;
  Client client(options);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) {
        client.send({.url = url_of(server.url("/slow"))});
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(server.requests().size() == 24);
  CHECK(server.most_at_once() <= 2);
  CHECK(server.connections() <= 2);  // and the connections are used again
}

TEST_CASE("429 halves what a host is given", "[http][client][gate]") {
  test::FaultServer server;
  server.script("/x", {{.status = 429, .fields = {{"Retry-After", "0"}}}, {.body = "ok"}});
  ClientOptions options = quick_options();
  options.initial_transfers_per_host = 8;
  Client client(options);
  CHECK(client.transfers_allowed(url_of(server.url("/"))) == 8);
  CHECK(client.send({.url = url_of(server.url("/x"))}).status == 200);
  CHECK(client.transfers_allowed(url_of(server.url("/"))) == 4);
}

TEST_CASE("the rate limit spreads bytes over time", "[http][client][rate]") {
  RateLimiter limiter(1000);
  const TimePoint now = start();
  CHECK(limiter.book(now, 250) <= now);  // a quarter of a second's worth comes at once
  CHECK(limiter.book(now, 1000) == now + std::chrono::seconds(1));
  CHECK(limiter.book(now, 500) == now + std::chrono::milliseconds(1500));
  const TimePoint later = now + std::chrono::seconds(100);
  CHECK(limiter.book(later, 250) <= later);  // what was not used is not saved up
  CHECK(limiter.book(later, 1000) == later + std::chrono::seconds(1));
}

TEST_CASE("no rate limit books nothing", "[http][client][rate]") {
  RateLimiter limiter(0);
  CHECK_FALSE(limiter.limited());
  CHECK(limiter.book(start(), UINT64_MAX) == start());
}

}  // namespace airlock::http
