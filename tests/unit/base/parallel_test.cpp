#include "base/parallel.hpp"

#include <atomic>
#include <stdexcept>
#include <vector>

#include "support/catch.hpp"
#include "support/thread_limit.hpp"

using namespace airlock::base;

TEST_CASE("each step runs once, whatever the number of threads", "[base][parallel]") {
  const unsigned threads = GENERATE(0U, 1U, 3U, 64U);
  std::vector<std::atomic<int>> runs(20);
  for_each_in_parallel(runs.size(), threads, [&](std::size_t i) { ++runs.at(i); });
  for (const auto& count : runs) {
    CHECK(count == 1);
  }
  for_each_in_parallel(0, threads, [](std::size_t) { FAIL("there is nothing to do"); });
}

TEST_CASE("one thread takes the steps in their order, and the first that throws ends the work", "[base][parallel]") {
  std::vector<std::size_t> begun;
  CHECK_THROWS_AS(for_each_in_parallel(10, 1,
                                       [&](std::size_t i) {
                                         begun.push_back(i);
                                         if (i == 2) {
                                           throw std::runtime_error("broken");
                                         }
                                       }),
                  std::runtime_error);
  CHECK(begun == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("what a step throws on any thread reaches the caller", "[base][parallel]") {
  CHECK_THROWS_AS(for_each_in_parallel(8, 4, [](std::size_t) { throw std::runtime_error("broken"); }),
                  std::runtime_error);
}

TEST_CASE("where no thread can be had the work is done by fewer, the caller at least", "[base][parallel]") {
  const unsigned more = GENERATE(0U, 1U);
  std::vector<std::atomic<int>> runs(20);
  {
    const airlock::test::ThreadLimit limit(more);
    for_each_in_parallel(runs.size(), 8, [&](std::size_t i) { ++runs.at(i); });
  }
  for (const auto& count : runs) {
    CHECK(count == 1);
  }
}
