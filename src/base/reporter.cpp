#include "base/reporter.hpp"

namespace airlock::base {

namespace {

class SilentTask : public ProgressTask {
 public:
  void advance(std::uint64_t) override {}
  void set_total(std::uint64_t) override {}
};

}  // namespace

std::unique_ptr<ProgressTask> SilentReporter::task(std::string_view, std::uint64_t, ProgressUnit) {
  return std::make_unique<SilentTask>();
}

}  // namespace airlock::base
