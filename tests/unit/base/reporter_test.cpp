#include "base/reporter.hpp"

#include "support/catch.hpp"
#include "support/recording_reporter.hpp"

using namespace airlock;

TEST_CASE("a silent reporter takes everything, tasks included", "[base][reporter]") {
  base::SilentReporter silent;
  base::Reporter& reporter = silent;
  reporter.note("a");
  reporter.say("b");
  reporter.warning("c");
  const auto task = reporter.task("work", 0);
  REQUIRE(task);
  CHECK_NOTHROW(task->set_total(10));
  CHECK_NOTHROW(task->advance(3));
}

TEST_CASE("the reporter for tests remembers what it was told", "[base][reporter]") {
  test::RecordingReporter reporter;
  reporter.say("said");
  reporter.warning("careful");
  reporter.task("work", 5, base::ProgressUnit::items)->advance(1);
  CHECK(reporter.said() == std::vector<std::string>{"said"});
  CHECK(reporter.warnings() == std::vector<std::string>{"careful"});
  CHECK(reporter.tasks() == std::vector<std::string>{"work"});
  CHECK(reporter.notes().empty());
}
