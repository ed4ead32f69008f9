#include "cli/terminal_reporter.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <list>
#include <mutex>
#include <string>

#include "base/text.hpp"
#include "cli/error_output.hpp"
#include "cli/progress_line.hpp"

namespace airlock::cli {

namespace {

using SteadyClock = std::chrono::steady_clock;
using Progress = ReporterOptions::Progress;

constexpr std::chrono::milliseconds k_bar_interval{100};
constexpr std::chrono::milliseconds k_line_interval{5000};
constexpr int k_width_unknown = 80;

// What is drawn of one task. The counters are written by whoever works, the rest under the reporter's mutex.
struct Line {
  std::string label;
  base::ProgressUnit unit = base::ProgressUnit::bytes;
  std::atomic<std::uint64_t> done = 0;
  std::atomic<std::uint64_t> total = 0;
  SteadyClock::time_point started = SteadyClock::now();
  SteadyClock::time_point measured = started;  // when `rate` was last brought up to date
  std::uint64_t done_then = 0;
  double rate = 0;
};

class Screen {
 public:
  explicit Screen(const ReporterOptions& options) : m_options(options) {}

  void message(std::string_view prefix, std::string_view color, std::string_view text) {
    const std::lock_guard lock(m_mutex);
    erase_bars();
    if (!prefix.empty()) {
      put(m_options.color ? color : "");
      put(prefix);
      put(m_options.color && !color.empty() ? "\x1b[0m" : "");
    }
    put(shown(text));
    put("\n");
    draw_bars();
    std::fflush(m_options.stream);
  }

  Line* begin(std::string_view label, std::uint64_t total, base::ProgressUnit unit) {
    const std::lock_guard lock(m_mutex);
    auto& line = m_lines.emplace_back();
    line.label = base::printable(label, 120);
    line.total = total;
    line.unit = unit;
    return &line;
  }

  void end(Line* line) {
    const std::lock_guard lock(m_mutex);
    erase_bars();
    // Only where lines were printed before does a last one tell something new.
    if (m_options.progress == Progress::lines && SteadyClock::now() - line->started >= k_line_interval) {
      put(plain_line(state_of(*line, SteadyClock::now())));
      put("\n");
    }
    m_lines.remove_if([line](const Line& other) { return &other == line; });
    draw_bars();
    std::fflush(m_options.stream);
  }

  // Called for each step of the work, so it costs one atomic read until something is due.
  void touch() {
    if (m_options.progress == Progress::none) {
      return;
    }
    const auto now = SteadyClock::now();
    if (now.time_since_epoch().count() < m_next.load(std::memory_order_relaxed)) {
      return;
    }
    const std::unique_lock lock(m_mutex, std::try_to_lock);
    if (!lock || now.time_since_epoch().count() < m_next.load()) {
      return;
    }
    if (m_options.progress == Progress::bars) {
      m_next = (now + k_bar_interval).time_since_epoch().count();
      erase_bars();
      draw_bars();
    } else {
      m_next = (now + k_line_interval).time_since_epoch().count();
      for (auto& line : m_lines) {
        if (now - line.started >= k_line_interval) {
          put(plain_line(state_of(line, now)));
          put("\n");
        }
      }
    }
    std::fflush(m_options.stream);
  }

 private:
  void put(std::string_view text) { std::fwrite(text.data(), 1, text.size(), m_options.stream); }

  std::size_t width() const {
    if (m_options.width > 0) {
      return static_cast<std::size_t>(m_options.width);
    }
    winsize size = {};
    if (ioctl(fileno(m_options.stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 1) {
      return size.ws_col - 1u;  // the last column makes some terminals wrap
    }
    return k_width_unknown;
  }

  ProgressState state_of(Line& line, SteadyClock::time_point now) {
    const std::uint64_t done = line.done;
    const std::chrono::duration<double> since_start = now - line.started;
    const std::chrono::duration<double> window = now - line.measured;
    if (window.count() >= 0.5) {
      const double current = static_cast<double>(done - std::min(done, line.done_then)) / window.count();
      // Smoothed, so that the time left does not jump; the first measurement counts in full.
      line.rate = line.rate == 0 ? current : 0.7 * line.rate + 0.3 * current;
      line.measured = now;
      line.done_then = done;
    }
    return {line.label, done, line.total, since_start.count(), line.rate, line.unit};
  }

  void erase_bars() {
    for (; m_drawn > 0; --m_drawn) {
      put("\x1b[1A\x1b[2K");
    }
  }

  void draw_bars() {
    if (m_options.progress != Progress::bars) {
      return;
    }
    const auto now = SteadyClock::now();
    for (auto& line : m_lines) {
      put(bar_line(state_of(line, now), width()));
      put("\n");
      ++m_drawn;
    }
  }

  ReporterOptions m_options;
  std::mutex m_mutex;
  std::list<Line> m_lines;
  std::size_t m_drawn = 0;  // bars on the screen just above the cursor
  std::atomic<SteadyClock::rep> m_next = 0;
};

class Task : public base::ProgressTask {
 public:
  Task(Screen& screen, std::string_view label, std::uint64_t total, base::ProgressUnit unit)
      : m_screen(&screen), m_line(screen.begin(label, total, unit)) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() override { m_screen->end(m_line); }

  void advance(std::uint64_t amount) override {
    m_line->done.fetch_add(amount, std::memory_order_relaxed);
    m_screen->touch();
  }
  void set_total(std::uint64_t total) override {
    m_line->total.store(total, std::memory_order_relaxed);
    m_screen->touch();
  }

 private:
  Screen* m_screen;
  Line* m_line;
};

class TerminalReporter : public base::Reporter {
 public:
  explicit TerminalReporter(const ReporterOptions& options) : m_options(options), m_screen(options) {}

  void note(std::string_view text) override {
    if (m_options.verbose) {
      m_screen.message("", "", text);
    }
  }
  void say(std::string_view text) override {
    if (!m_options.quiet) {
      m_screen.message("", "", text);
    }
  }
  void warning(std::string_view text) override { m_screen.message("warning: ", "\x1b[1;33m", text); }
  std::unique_ptr<base::ProgressTask> task(std::string_view label, std::uint64_t total,
                                           base::ProgressUnit unit) override {
    return std::make_unique<Task>(m_screen, label, total, unit);
  }

 private:
  ReporterOptions m_options;
  Screen m_screen;
};

}  // namespace

std::unique_ptr<base::Reporter> make_terminal_reporter(const ReporterOptions& options) {
  return std::make_unique<TerminalReporter>(options);
}

}  // namespace airlock::cli
