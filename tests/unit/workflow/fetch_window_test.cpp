#include "workflow/fetch_window.hpp"

#include <atomic>
#include <thread>

#include "unit/workflow/fetch_window_fixture.hpp"

namespace airlock::workflow {
namespace {

using base::Error;
using base::ErrorCode;
using test::code_of_drain;
using test::drain;
using test::FakeFetchable;
using test::feed_of;
using test::Job;
using test::Observed;
using test::small_window;
using test::wait_until;
using namespace std::chrono_literals;

TEST_CASE("delivers blobs of every size in order", "[workflow][fetch_window]") {
  base::TempDir directory;
  std::vector<Job> jobs;
  for (const std::uint64_t length :
       {0ULL, 1ULL, 4095ULL, 4096ULL, 4097ULL, 32768ULL, 32769ULL, 1'000'000ULL, 0ULL, 7ULL}) {
    jobs.push_back({.behaviour = {.length = length}});
  }
  Observed observed;
  FetchWindow window(feed_of(jobs, observed), small_window(directory));
  drain(window, jobs);
  CHECK(window.counters().peak_memory <= 256 * 1024);
  CHECK(window.counters().spooled == 0);
  CHECK_FALSE(window.next());
}

TEST_CASE("fetches one huge blob by several ranges at once within its memory", "[workflow][fetch_window]") {
  base::TempDir directory;
  Observed observed;
  const auto two_at_once = [&] { wait_until([&] { return observed.most_running > 1; }); };
  const std::vector<Job> jobs = {{.behaviour = {.length = 8'000'001, .before = two_at_once}}};
  FetchWindow window(feed_of(jobs, observed), small_window(directory));
  drain(window, jobs);
  CHECK(observed.opened == 1);
  CHECK(observed.ranges == 245);
  CHECK(observed.most_running > 1);
  CHECK(window.counters().peak_memory <= 256 * 1024);
}

TEST_CASE("delivers thousands of tiny blobs", "[workflow][fetch_window]") {
  base::TempDir directory;
  std::vector<Job> jobs;
  for (std::uint64_t i = 0; i < 6'000; ++i) {
    jobs.push_back({.behaviour = {.length = i % 97}});
  }
  Observed observed;
  FetchWindow window(feed_of(jobs, observed), small_window(directory));
  drain(window, jobs);
}

TEST_CASE("gathers blobs of unknown length and tells their digest", "[workflow][fetch_window]") {
  base::TempDir directory;
  std::vector<Job> jobs;
  for (const std::uint64_t length : {0ULL, 10ULL, 4096ULL, 32768ULL, 300'000ULL, 500ULL, 1'000'000ULL}) {
    jobs.push_back({.behaviour = {.length = length}, .length_known = false});
    jobs.push_back({.behaviour = {.length = length}, .arrival = Arrival::gather});
  }
  Observed observed;
  FetchWindow window(feed_of(jobs, observed), small_window(directory));
  drain(window, jobs);
  CHECK(window.counters().peak_memory <= 256 * 1024);
  CHECK(window.counters().spooled > 2'000'000);
  CHECK(window.counters().spooled < 2'700'000);
}

TEST_CASE("leaves out the front of a blob that is there already", "[workflow][fetch_window]") {
  base::TempDir directory;
  const std::uint64_t start = GENERATE(1ULL, 32768ULL, 99'999ULL, 100'000ULL);
  const std::vector<Job> jobs = {{.behaviour = {.length = 100'000}, .start = start}, {.behaviour = {.length = 5}}};
  Observed observed;
  FetchWindow window(feed_of(jobs, observed), small_window(directory));
  drain(window, jobs);
}

TEST_CASE("takes a blob in one transfer where ranges are ignored", "[workflow][fetch_window]") {
  base::TempDir directory;
  Observed observed;
  const WindowOptions options = small_window(directory);
  SECTION("from its start") {
    const std::vector<Job> jobs = {{.behaviour = {.length = 50'000}},
                                   {.behaviour = {.length = 2'000'000, .ranges_to = 0}},
                                   {.behaviour = {.length = 70'000}},
                                   {.behaviour = {.length = 9}}};
    FetchWindow window(feed_of(jobs, observed), options);
    drain(window, jobs);
    CHECK(observed.for_nothing == 0);
    CHECK(window.counters().spooled == 0);
  }
  SECTION("from somewhere in it, where earlier ranges were heeded") {
    const std::uint64_t from = GENERATE(1ULL, 40'000ULL, 1'000'000ULL, 1'999'999ULL);
    const std::vector<Job> jobs = {{.behaviour = {.length = 2'000'000, .ranges_to = from}},
                                   {.behaviour = {.length = 70'000}}};
    FetchWindow window(feed_of(jobs, observed), options);
    drain(window, jobs);
    // Once what lies before the carrier, which is at most one segment behind the first range that was ignored.
    CHECK(observed.for_nothing <= from + options.segment);
    CHECK(window.counters().spooled == 0);
  }
  SECTION("taken up in the middle") {
    const std::vector<Job> jobs = {{.behaviour = {.length = 2'000'000, .ranges_to = 0}, .start = 700'001}};
    FetchWindow window(feed_of(jobs, observed), options);
    drain(window, jobs);
    CHECK(observed.for_nothing == 700'001);
  }
  SECTION("and so at once the next of that origin") {
    const std::vector<Job> jobs(5, {.behaviour = {.length = 1'000'000, .ranges_to = 0}});
    FetchWindow window(feed_of(jobs, observed), options);
    drain(window, jobs);
    CHECK(observed.ranges <= static_cast<int>(options.workers + jobs.size()));
    CHECK(observed.for_nothing == 0);
  }
  SECTION("and gives up what was dropped, however it ends") {
    std::vector<Job> jobs(4, {.behaviour = {.length = 1'000'000, .ranges_to = 0}});
    FetchWindow window(feed_of(jobs, observed), options);
    REQUIRE(window.next());
    REQUIRE_FALSE(window.read().empty());
  }
}

TEST_CASE("drops what the consumer does not read", "[workflow][fetch_window]") {
  base::TempDir directory;
  std::vector<Job> jobs(50, {.behaviour = {.length = 70'000}});
  Observed observed;
  FetchWindow window(feed_of(jobs, observed), small_window(directory));
  std::uint64_t count = 0;
  while (const auto delivery = window.next()) {
    CHECK(delivery->number == count++);
  }
  CHECK(count == 50);
}

TEST_CASE("stops with the artifact and its origin when a transfer fails", "[workflow][fetch_window]") {
  base::TempDir directory;
  std::vector<Job> jobs(20, {.behaviour = {.length = 50'000}});
  jobs[7].behaviour.error = ErrorCode::not_found;
  Observed observed;
  FetchWindow window(feed_of(jobs, observed), small_window(directory));
  try {
    while (window.next()) {
      while (!window.read().empty()) {
      }
    }
    FAIL("the failure went unnoticed");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::not_found);
    REQUIRE(error.context().size() == 1);
    CHECK(error.context().front() == "fetching blob 7 from https://files.example/7");
    CHECK(error.hint().find("manifest") != std::string::npos);
  }
}

TEST_CASE("refuses transfers that are too short or too long", "[workflow][fetch_window]") {
  base::TempDir directory;
  Observed observed;
  SECTION("short") {
    const std::vector<Job> jobs = {{.behaviour = {.length = 90'000, .break_at = 89'999}}};
    FetchWindow window(feed_of(jobs, observed), small_window(directory));
    CHECK(code_of_drain(window) == ErrorCode::truncated);
  }
  SECTION("long") {
    std::vector<Job> jobs = {{.behaviour = {.length = 100}}};
    const auto feed = [&, fed = false]() mutable -> std::optional<WindowBlob> {
      if (std::exchange(fed, true)) {
        return std::nullopt;
      }
      return WindowBlob{.name = "a", .origin = "b", .length = 99, .open = [&] {
                          return std::make_shared<FakeFetchable>(0, jobs[0].behaviour, observed);
                        }};
    };
    FetchWindow window(feed, small_window(directory));
    CHECK(code_of_drain(window) == ErrorCode::upstream);
  }
}

TEST_CASE("reports a fetchable that cannot be made and a feed that fails", "[workflow][fetch_window]") {
  base::TempDir directory;
  SECTION("fetchable") {
    const auto feed = [fed = false]() mutable -> std::optional<WindowBlob> {
      if (std::exchange(fed, true)) {
        return std::nullopt;
      }
      return WindowBlob{.name = "a",
                        .origin = "b",
                        .length = 1'000'000,
                        .open = []() -> std::shared_ptr<ecosystem::Fetchable> { throw Error(ErrorCode::auth, "no"); }};
    };
    FetchWindow window(feed, small_window(directory));
    CHECK(code_of_drain(window) == ErrorCode::auth);
  }
  SECTION("feed") {
    FetchWindow window([]() -> std::optional<WindowBlob> { throw Error(ErrorCode::lock, "no"); },
                       small_window(directory));
    CHECK(code_of_drain(window) == ErrorCode::lock);
  }
}

TEST_CASE("takes a blob in one transfer where that is asked for", "[workflow][fetch_window]") {
  base::TempDir directory;
  const std::vector<Job> jobs = {{.behaviour = {.length = 1'000'000}, .in_one = true},
                                 {.behaviour = {.length = 64'000}}};
  Observed observed;
  FetchWindow window(feed_of(jobs, observed), small_window(directory));
  drain(window, jobs);
  CHECK(observed.ranges == 1 + 2);  // the other one has two segments
}

TEST_CASE("ends at once when it is dropped in the middle", "[workflow][fetch_window]") {
  base::TempDir directory;
  const std::vector<Job> jobs(200, {.behaviour = {.length = 100'000, .piece = 100}});
  Observed observed;
  FetchWindow window(feed_of(jobs, observed), small_window(directory));
  REQUIRE(window.next());
  REQUIRE_FALSE(window.read().empty());
}

TEST_CASE("honours an interruption while it waits", "[workflow][fetch_window]") {
  base::TempDir directory;
  std::atomic<bool> noticed = false;
  const auto interrupts_and_waits = [&] {
    base::request_interrupt();
    wait_until([&] { return noticed.load(); });
  };
  const std::vector<Job> jobs = {{.behaviour = {.length = 30'000, .before = interrupts_and_waits}}};
  Observed observed;
  FetchWindow window(feed_of(jobs, observed), small_window(directory));
  const ErrorCode code = code_of_drain(window);
  base::clear_interrupt();
  noticed = true;
  CHECK(code == ErrorCode::interrupted);
}

TEST_CASE("a slow transfer holds up others only as far as window and spool are full", "[workflow][fetch_window]") {
  base::TempDir directory;
  Observed observed;
  WindowOptions options = small_window(directory);
  std::vector<Job> jobs(60, {.behaviour = {.length = 30'000}});
  // As many as fit beside the slow one.
  const int others = static_cast<int>(options.memory / 30'000) - 1;
  const auto full = [&] { return observed.ended >= others; };
  SECTION("without a spool") {
    int begun = 0;
    jobs[0].behaviour.before = [&] {
      wait_until(full);
      begun = observed.ranges;
    };
    FetchWindow window(feed_of(jobs, observed), options);
    drain(window, jobs);
    CHECK(begun == others + 1);
    CHECK(window.counters().spooled == 0);
    CHECK(window.counters().peak_memory <= options.memory);
  }
  SECTION("with a spool") {
    options.spill_after = 5ms;
    options.spill_limit = 300'000;
    std::atomic<FetchWindow*> spills = nullptr;
    jobs[0].behaviour.before = [&] {
      wait_until([&] { return spills.load() != nullptr && spills.load()->counters().spooled > 0; });
    };
    FetchWindow window(feed_of(jobs, observed), options);
    spills = &window;
    drain(window, jobs);
    CHECK(window.counters().peak_memory <= options.memory);
  }
  SECTION("with a spool that has no place") {
    options.spill_after = 5ms;
    options.spill_limit = 300'000;
    options.spool_directory = "/proc/none";
    jobs[0].behaviour.before = [&] {
      wait_until(full);
      std::this_thread::sleep_for(4 * options.spill_after);  // room for a try, which leaves no other trace
    };
    FetchWindow window(feed_of(jobs, observed), options);
    drain(window, jobs);
    CHECK(window.counters().spooled == 0);
  }
}

TEST_CASE("a slow consumer makes nothing spill", "[workflow][fetch_window]") {
  base::TempDir directory;
  const std::vector<Job> jobs(30, {.behaviour = {.length = 30'000}});
  Observed observed;
  WindowOptions options = small_window(directory);
  options.spill_after = 5ms;
  options.spill_limit = 1'000'000;
  FetchWindow window(feed_of(jobs, observed), options);
  // All that fits is there, and the workers wait, but nobody waits for them.
  wait_until([&] { return observed.ended >= static_cast<int>(options.memory / 30'000); });
  std::this_thread::sleep_for(4 * options.spill_after);
  CHECK(window.counters().spooled == 0);
  drain(window, jobs);
}

}  // namespace
}  // namespace airlock::workflow
