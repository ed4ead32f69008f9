#include "agent/name_lookup.hpp"

#include <array>
#include <future>
#include <memory>
#include <thread>

#include "support/catch.hpp"

namespace airlock::agent {
namespace {

const base::IpAddress k_some = *base::IpAddress::parse("192.0.2.7");

// A resolver that says nothing until it is told to.
struct SlowResolver {
  std::promise<void> open;
  std::shared_future<void> opened = open.get_future().share();

  NameLookup::Resolve resolve() const {
    return [wait = opened](const std::string&) {
      wait.wait();
      return std::vector<base::IpAddress>{k_some};
    };
  }
};

TEST_CASE("a name is answered with what the resolver says", "[agent][lookup]") {
  std::promise<std::vector<base::IpAddress>> answered;
  NameLookup lookup(1, [](const std::string& name) {
    return name == "a.example" ? std::vector<base::IpAddress>{k_some} : std::vector<base::IpAddress>();
  });
  REQUIRE(lookup.start("a.example", [&](const auto& addresses) { answered.set_value(addresses); }));
  CHECK(answered.get_future().get() == std::vector<base::IpAddress>{k_some});
}

TEST_CASE("the end waits for no resolver, and no answer comes after it", "[agent][lookup]") {
  SlowResolver slow;
  // Gone with the closure that holds it, when the thread has done with the answer.
  auto held = std::make_shared<std::promise<void>>();
  auto dropped = held->get_future();
  bool answered = false;
  {
    NameLookup lookup(1, slow.resolve());
    REQUIRE(lookup.start("a.example", [&answered, held](const auto&) { answered = true; }));
  }  // hangs here where it waits
  held.reset();
  slow.open.set_value();
  CHECK_THROWS_AS(dropped.get(), std::future_error);  // a broken promise
  CHECK_FALSE(answered);
}

TEST_CASE("so many names at one time, also of those that nobody waits for", "[agent][lookup]") {
  SlowResolver slow;
  NameLookup lookup(3, slow.resolve());
  std::array<std::promise<void>, 3> answered;
  for (auto& each : answered) {
    REQUIRE(lookup.start("a.example", [&each](const auto&) { each.set_value(); }));
  }
  CHECK_FALSE(lookup.start("b.example", [](const auto&) {}));
  // 300 objects that are gone keep no more than 256 threads.
  std::size_t started = 0;
  for (int i = 0; i < 300; ++i) {
    started += NameLookup(1, slow.resolve()).start("c.example", [](const auto&) {}) ? 1U : 0U;
  }
  CHECK(started <= 256 - 3);
  slow.open.set_value();
  for (auto& each : answered) {
    each.get_future().get();
  }
  // There is room again, as soon as the threads of the others are gone as well.
  while (!lookup.start("d.example", [](const auto&) {})) {
    std::this_thread::yield();
  }
}

}  // namespace
}  // namespace airlock::agent
