#include "agent/spool.hpp"

#include <filesystem>

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::agent {
namespace {

const std::string k_id = "01234567-89ab-4cde-8f01-23456789abcd";

control::LogLine line(std::string text) {
  return {control::UnixMillis(std::chrono::milliseconds(1'700'000'000'000)), std::move(text)};
}

TEST_CASE("a spool gives back what was put in, and only what was not sent", "[agent][spool]") {
  base::TempDir folder;
  Spool spool(folder.path(), {k_id, 1, base::Secret("jt")}, 1 << 20);
  spool.add_step({0, "Setup", control::StepStatus::running, {}, {}});
  for (int i = 0; i < 5000; ++i) {
    spool.add_line(0, line(std::to_string(i) + "\n"));
  }
  const auto steps = spool.unsent_steps();
  REQUIRE(steps);
  CHECK(steps->steps.front().name == "Setup");
  spool.sent(*steps);
  CHECK_FALSE(spool.unsent_steps());

  std::size_t count = 0;
  while (const auto lines = spool.unsent_lines()) {
    CHECK(lines->offset == count);
    CHECK(lines->lines.size() <= control::limits::k_lines);
    CHECK(lines->lines.front().text == std::to_string(count) + "\n");
    count += lines->lines.size();
    spool.sent(*lines, {count, false});
  }
  CHECK(count == 5000);
}

TEST_CASE("the server's word on the next line holds", "[agent][spool]") {
  base::TempDir folder;
  Spool spool(folder.path(), {k_id, 1, base::Secret("jt")}, 1 << 20);
  for (int i = 0; i < 10; ++i) {
    spool.add_line(3, line(std::to_string(i)));
  }
  auto lines = *spool.unsent_lines();
  spool.sent(lines, {4, false});  // it took some
  lines = *spool.unsent_lines();
  CHECK(lines.offset == 4);
  CHECK(lines.lines.front().text == "4");
  spool.sent(lines, {2, false});  // it was set back
  CHECK(spool.unsent_lines()->lines.front().text == "2");
}

TEST_CASE("what a killed agent left is sent by the next one", "[agent][spool]") {
  base::TempDir folder;
  std::filesystem::path place;
  {
    Spool spool(folder.path(), {k_id, 2, base::Secret("job-token")}, 1 << 20);
    place = spool.folder();
    spool.add_step({0, "Setup", control::StepStatus::running, {}, {}});
    spool.add_line(0, line("one\n"));
    spool.add_line(0, line("two\n"));
    auto lines = *spool.unsent_lines();
    lines.lines.pop_back();
    spool.sent(lines, {1, false});
  }
  CHECK((std::filesystem::status(place).permissions() & std::filesystem::perms(0077)) == std::filesystem::perms::none);
  Spool spool = Spool::open(place);
  CHECK(spool.owner().deployment_id == k_id);
  CHECK(spool.owner().attempt == 2);
  CHECK(spool.owner().job_token.reveal() == "job-token");
  CHECK_FALSE(spool.is_complete());
  end_as_lost(spool);
  CHECK(spool.is_complete());
  const auto lines = *spool.unsent_lines();
  CHECK(lines.offset == 1);
  CHECK(lines.lines.front().text == "two\n");
  CHECK(lines.lines.back().text.find("was killed") != std::string::npos);
  CHECK(spool.unsent_steps()->steps.back().status == control::StepStatus::running);
  spool.sent(lines, {1 + lines.lines.size(), false});  // a step's end goes after its lines
  CHECK(spool.unsent_steps()->steps.back().status == control::StepStatus::failed);
  CHECK(spool.unsent_completion()->result == control::JobResult::failed);
  spool.remove();
  CHECK_FALSE(std::filesystem::exists(place));
}

TEST_CASE("a log beyond its limit ends with a word on it", "[agent][spool]") {
  base::TempDir folder;
  Spool spool(folder.path(), {k_id, 1, base::Secret("jt")}, 1000);
  for (int i = 0; i < 100; ++i) {
    spool.add_line(0, line(std::string(100, 'x')));
  }
  const auto lines = *spool.unsent_lines();
  CHECK(lines.lines.size() == 11);
  CHECK(lines.lines.back().text.find("larger than") != std::string::npos);
}

}  // namespace
}  // namespace airlock::agent
