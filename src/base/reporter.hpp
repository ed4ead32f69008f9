// What long work tells a person while it runs. Given explicitly; cli and tests implement it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace airlock::base {

// One running piece of work; ends when dropped. Thread-safe.
class ProgressTask {
 public:
  virtual ~ProgressTask() = default;
  virtual void advance(std::uint64_t amount) = 0;
  virtual void set_total(std::uint64_t total) = 0;  // when it becomes known, or grows
};

enum class ProgressUnit { bytes, items };

class Reporter {
 public:
  virtual ~Reporter() = default;
  virtual void note(std::string_view text) = 0;     // shown with -v
  virtual void say(std::string_view text) = 0;      // shown unless -q
  virtual void warning(std::string_view text) = 0;  // always shown
  // `total` 0 means not known yet.
  virtual std::unique_ptr<ProgressTask> task(std::string_view label, std::uint64_t total,
                                             ProgressUnit unit = ProgressUnit::bytes) = 0;
};

class SilentReporter : public Reporter {
 public:
  void note(std::string_view) override {}
  void say(std::string_view) override {}
  void warning(std::string_view) override {}
  std::unique_ptr<ProgressTask> task(std::string_view, std::uint64_t, ProgressUnit) override;
};

}  // namespace airlock::base
