// A fetch window's upstream whose content is known and whose behaviour is scripted, and a consumer that compares.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "http/client.hpp"
#include "support/catch.hpp"
#include "workflow/fetch_window.hpp"

namespace airlock::test {

using base::Error;
using base::ErrorCode;
using ecosystem::Fetchable;
using workflow::Arrival;
using workflow::FetchWindow;
using workflow::WindowBlob;
using workflow::WindowOptions;

// Content that is known from its seed and position, so that nothing needs to be kept to compare with.
inline std::string content_of(std::uint64_t seed, std::uint64_t offset, std::size_t length) {
  std::string text(length, '\0');
  for (std::size_t i = 0; i < length; ++i) {
    const std::uint64_t at = offset + i;
    text[i] = static_cast<char>((at * 1099511628211U + seed * 7919 + (at >> 9)) >> 3);
  }
  return text;
}

struct Behaviour {
  std::uint64_t length = 0;
  std::function<void()> before;           // called before the first byte; may wait for what the test waits for
  std::optional<std::uint64_t> break_at;  // bytes after which the transfer ends, without an error
  std::optional<ErrorCode> error;         // thrown at once
  std::size_t piece = 10'000;             // bytes of one write
  std::uint64_t ranges_to = UINT64_MAX;   // from here on ranges are ignored: the whole is sent
};

struct Observed {
  std::atomic<int> running = 0, most_running = 0, opened = 0, ranges = 0, ended = 0;
  std::atomic<std::uint64_t> for_nothing = 0;  // bytes sent that lie before what was asked for
};

class FakeFetchable : public Fetchable {
 public:
  FakeFetchable(std::uint64_t seed, Behaviour behaviour, Observed& observed)
      : m_seed(seed), m_behaviour(std::move(behaviour)), m_observed(observed) {
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
      ~Done() {
        --observed.running;
        ++observed.ended;
      }
    } done{m_observed};
    if (m_behaviour.before) {
      m_behaviour.before();
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

// Waits for what other threads bring about, however long that takes.
template <typename Condition>
void wait_until(Condition&& condition) {
  while (!condition()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

struct Job {
  Behaviour behaviour;
  bool length_known = true;
  std::uint64_t start = 0;
  Arrival arrival = Arrival::stream;
  bool in_one = false;
};

inline FetchWindow::Feed feed_of(const std::vector<Job>& jobs, Observed& observed) {
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
    blob.in_one = job.in_one;
    if (job.length_known) {
      blob.length = job.behaviour.length;
    }
    blob.open = [&job, &observed, seed] { return std::make_shared<FakeFetchable>(seed, job.behaviour, observed); };
    return blob;
  };
}

inline WindowOptions small_window(const base::TempDir& directory) {
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
inline void drain(FetchWindow& window, const std::vector<Job>& jobs) {
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

inline ErrorCode code_of_drain(FetchWindow& window) {
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

}  // namespace airlock::test
