// A Reporter that remembers what it was told. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/reporter.hpp"

namespace airlock::test {

class RecordingReporter : public base::Reporter {
 public:
  void note(std::string_view text) override { add(m_notes, text); }
  void say(std::string_view text) override { add(m_said, text); }
  void warning(std::string_view text) override { add(m_warnings, text); }
  std::unique_ptr<base::ProgressTask> task(std::string_view label, std::uint64_t, base::ProgressUnit) override {
    add(m_tasks, label);
    return base::SilentReporter().task(label, 0, base::ProgressUnit::items);
  }

  std::vector<std::string> notes() const { return copy(m_notes); }
  std::vector<std::string> said() const { return copy(m_said); }
  std::vector<std::string> warnings() const { return copy(m_warnings); }
  std::vector<std::string> tasks() const { return copy(m_tasks); }

 private:
  using Lines = std::vector<std::string>;

  void add(Lines& lines, std::string_view text) {
    const std::scoped_lock lock(m_mutex);
    lines.emplace_back(text);
  }
  Lines copy(const Lines& lines) const {
    const std::scoped_lock lock(m_mutex);
    return lines;
  }

  mutable std::mutex m_mutex;
  Lines m_notes;
  Lines m_said;
  Lines m_warnings;
  Lines m_tasks;
};

}  // namespace airlock::test
