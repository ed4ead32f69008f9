#include "workflow/fetch_window.hpp"

#include <atomic>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "http/client.hpp"
#include "support/catch.hpp"

namespace airlock::workflow {
namespace {

using base::Error;
using base::ErrorCode;
using namespace std::chrono_literals;

// Content that is known from its seed and position, so that nothing needs to be kept to compare with.
std::string content_of(std::uint64_t seed, std::uint64_t offset, std::size_t length) {
  std::string text(length, '\0');
  for (std::size_t i = 0; i < length; ++i) {
    const std::uint64_t at = offset + i;
    text[i] = static_cast<char>((at * 1099511628211U + seed * 7919 + (at >> 9)) >> 3);
  }
  return text;
}

struct Behaviour {
  std::uint64_t length = 0;
  std::chrono::milliseconds delay{0};     // before the first byte
  std::optional<std::uint64_t> break_at;  // bytes after which the transfer ends, without an error
  std::optional<ErrorCode> error;         // thrown at once
  std::size_t piece = 10'000;             // bytes of one write
  std::uint64_t ranges_to = UINT64_MAX;   // from here on ranges are ignored: the whole is sent
};

struct Observed {
  std::atomic<int> running = 0, most_running = 0, opened = 0, ranges = 0;
  std::atomic<std::uint64_t> for_nothing = 0;  // bytes sent that lie before what was asked for
};

class FakeFetchable : public ecosystem::Fetchable {
 public:
  FakeFetchable(std::uint64_t seed, Behaviour behaviour, Observed& observed)
      : m_seed(seed), m_behaviour(behaviour), m_observed(observed) {
    ++m_observed.opened;
  }

  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override {
    const int running = ++m_observed.running;
    int most = m_observed.most_running;
    while (running > most && !m_observed.most_running.compare_exchange_weak(most, running)) {
    }
    ++m_observed.ranges;
    struct Done {
      Observed& observed;
      ~Done() { --observed.running; }
    } done{m_observed};
    if (m_behaviour.delay > 0ms) {
      std::this_thread::sleep_for(m_behaviour.delay);
    }
    if (m_behaviour.error) {
      throw Error(*m_behaviour.error, "the server said no");
    }
    if (offset >= m_behaviour.ranges_to && (offset > 0 || length)) {
      if (auto* part = dynamic_cast<http::PartSink*>(&sink)) {
        part->on_whole();
      }
      m_observed.for_nothing += offset;
    }
    std::uint64_t end = length ? offset + *length : m_behaviour.length;
    if (m_behaviour.break_at) {
      end = std::min(end, *m_behaviour.break_at);
    }
    while (offset < end) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(m_behaviour.piece, end - offset));
      const std::string text = content_of(m_seed, offset, count);
      sink.write(base::as_bytes(text));
      offset += count;
    }
  }

 private:
  std::uint64_t m_seed;
  Behaviour m_behaviour;
  Observed& m_observed;
};

struct Job {
  Behaviour behaviour;
  bool length_known = true;
  std::uint64_t start = 0;
  Arrival arrival = Arrival::stream;
};

FetchWindow::Feed feed_of(const std::vector<Job>& jobs, Observed& observed) {
  return [&jobs, &observed, next = std::size_t{0}]() mutable -> std::optional<WindowBlob> {
    if (next == jobs.size()) {
      return std::nullopt;
    }
    const std::size_t seed = next++;
    const Job& job = jobs[seed];
    WindowBlob blob;
    blob.name = "blob " + std::to_string(seed);
    blob.origin = "https://files.example/" + std::to_string(seed);
    blob.start = job.start;
    blob.arrival = job.arrival;
    if (job.length_known) {
      blob.length = job.behaviour.length;
    }
    blob.open = [&job, &observed, seed] { return std::make_shared<FakeFetchable>(seed, job.behaviour, observed); };
    return blob;
  };
}

WindowOptions small_window(const base::TempDir& directory) {
  WindowOptions options;
  options.memory = 256 * 1024;
  options.segment = 32 * 1024;
  options.block = 4 * 1024;
  options.workers = 8;
  options.spool_directory = directory.path();
  options.spill_limit = 0;
  return options;
}

// Takes everything and compares it with what it must be.
void drain(FetchWindow& window, const std::vector<Job>& jobs) {
  std::uint64_t number = 0;
  while (const auto delivery = window.next()) {
    REQUIRE(delivery->number == number);
    const Job& job = jobs.at(number);
    REQUIRE(delivery->length == job.behaviour.length);
    base::Hasher hasher;
    std::uint64_t at = job.start;
    for (auto piece = window.read(); !piece.empty(); piece = window.read()) {
      const std::string expected = content_of(number, at, piece.size());
      REQUIRE(std::equal(piece.begin(), piece.end(), base::as_bytes(expected).begin()));
      hasher.update(piece);
      at += piece.size();
    }
    REQUIRE(at == std::max(job.start, job.behaviour.length));
    if (delivery->sha256) {
      CHECK(*delivery->sha256 == hasher.finish());
    }
    ++number;
  }
  CHECK(number == jobs.size());
}

ErrorCode code_of_drain(FetchWindow& window) {
  try {
    while (window.next()) {
      while (!window.read().empty()) {
      }
    }
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

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
  const std::vector<Job> jobs = {{.behaviour = {.length = 8'000'001, .delay = 1ms}}};
  Observed observed;
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
  std::vector<Job> jobs(20, {.behaviour = {.length = 50'000, .delay = 1ms}});
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
  const std::vector<Job> jobs = {{.behaviour = {.length = 100'000, .delay = 150ms}}};
  Observed observed;
  FetchWindow window(feed_of(jobs, observed), small_window(directory));
  base::request_interrupt();
  const ErrorCode code = code_of_drain(window);
  base::clear_interrupt();
  CHECK(code == ErrorCode::interrupted);
}

TEST_CASE("a slow transfer holds up others only as far as window and spool are full", "[workflow][fetch_window]") {
  base::TempDir directory;
  std::vector<Job> jobs(60, {.behaviour = {.length = 30'000}});
  jobs[0].behaviour.delay = 400ms;
  Observed observed;
  WindowOptions options = small_window(directory);
  SECTION("without a spool") {
    FetchWindow window(feed_of(jobs, observed), options);
    std::this_thread::sleep_for(200ms);
    CHECK(observed.ranges <= 9);
    drain(window, jobs);
    CHECK(window.counters().spooled == 0);
  }
  SECTION("with a spool") {
    options.spill_after = 50ms;
    options.spill_limit = 300'000;
    FetchWindow window(feed_of(jobs, observed), options);
    drain(window, jobs);
    CHECK(window.counters().spooled > 0);
    CHECK(window.counters().peak_memory <= options.memory);
  }
  SECTION("with a spool that has no place") {
    options.spill_after = 50ms;
    options.spill_limit = 300'000;
    options.spool_directory = "/proc/none";
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
  options.spill_after = 20ms;
  options.spill_limit = 1'000'000;
  FetchWindow window(feed_of(jobs, observed), options);
  while (window.next()) {
    std::this_thread::sleep_for(10ms);
    while (!window.read().empty()) {
    }
  }
  CHECK(window.counters().spooled == 0);
}

}  // namespace
}  // namespace airlock::workflow
