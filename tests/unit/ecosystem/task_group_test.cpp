#include "ecosystem/task_group.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

#include "support/catch.hpp"
#include "support/thread_limit.hpp"

namespace airlock::ecosystem {

TEST_CASE("tasks that add tasks are all done before wait returns", "[ecosystem][task_group]") {
  const std::size_t threads = GENERATE(1U, 2U, 8U);
  TaskGroup group(threads);
  std::atomic<int> done{0};
  std::function<void(int)> grow = [&](int depth) {
    ++done;
    if (depth > 0) {
      group.add([&grow, depth] { grow(depth - 1); });
      group.add([&grow, depth] { grow(depth - 1); });
    }
  };
  group.add([&] { grow(9); });
  group.wait();
  CHECK(done == 1023);
}

TEST_CASE("the first failure is thrown and ends the rest", "[ecosystem][task_group]") {
  TaskGroup group(4);
  std::atomic<int> after{0};
  group.add([] { throw std::runtime_error("first"); });
  CHECK_THROWS_WITH(group.wait(), "first");
  group.add([&] { ++after; });
  CHECK_NOTHROW(group.wait());
  CHECK(after == 1);
}

TEST_CASE("a group that nobody waits for ends quietly", "[ecosystem][task_group]") {
  std::atomic<int> done{0};
  {
    TaskGroup group(4);
    for (int i = 0; i < 100; ++i) {
      group.add([&] { ++done; });
    }
  }
  CHECK(done <= 100);
}

TEST_CASE("where no thread can be had whoever waits does the work", "[ecosystem][task_group]") {
  std::atomic<int> done{0};
  const test::ThreadLimit limit(0);
  TaskGroup group(8);
  group.add([&] { group.add([&] { ++done; }); });
  group.add([&] { ++done; });
  group.wait();
  CHECK(done == 2);
}

TEST_CASE("what a task adds while its group ends is dropped", "[ecosystem][task_group]") {
  const std::size_t threads = GENERATE(2U, 8U);
  std::atomic<int> done{0};
  std::atomic<bool> began{false};
  std::weak_ptr<int> waiting;
  {
    TaskGroup group(threads);
    auto held = std::make_shared<int>();
    waiting = held;
    group.add([&] {
      began = true;
      while (!waiting.expired()) {  // until the end of the group drops the task behind this one
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      for (int i = 0; i < 20; ++i) {
        group.add([&done] { ++done; });
      }
    });
    group.add([kept = std::move(held), &done] { ++done; });  // for two tasks one thread is started
    while (!began) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  CHECK(done == 0);
}

}  // namespace airlock::ecosystem
