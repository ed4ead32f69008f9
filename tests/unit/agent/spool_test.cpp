#include "agent/spool.hpp"

#include "agent/left_spools.hpp"

#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::agent {
namespace {

const std::string k_id = "01234567-89ab-4cde-8f01-23456789abcd";

control::LogLine line(std::string text) {
  return {control::UnixMillis(std::chrono::milliseconds(1'700'000'000'000)), std::move(text)};
}

// No file of this process may grow beyond it meanwhile; writing more is an error, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &m_before);
    const rlimit limit{bytes, m_before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &m_before); }

 private:
  rlimit m_before{};
};

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
  const auto steps = *spool.unsent_steps();
  CHECK(steps.steps.back().status == control::StepStatus::failed);
  spool.sent(steps);
  CHECK(spool.unsent_completion()->result == control::JobResult::failed);
  spool.remove();
  CHECK_FALSE(std::filesystem::exists(place));
}

TEST_CASE("the last word waits for all that was said before it", "[agent][spool]") {
  base::TempDir folder;
  Spool spool(folder.path(), {k_id, 1, base::Secret("jt")}, 1 << 20);
  spool.add_step({0, "Setup", control::StepStatus::running, {}, {}});
  const auto steps = *spool.unsent_steps();
  spool.sent(steps);
  CHECK_FALSE(spool.unsent_lines());
  CHECK_FALSE(spool.unsent_refused());
  // The job ends just after the sender has looked at each of them.
  spool.add_line(0, line("last\n"));
  spool.add_refused({{}, 0, "leak.example", 443, "tcp", "curl", 1});
  spool.complete({control::JobResult::succeeded, "", std::nullopt});
  CHECK_FALSE(spool.unsent_completion());
  spool.sent(*spool.unsent_lines(), {1, false});
  CHECK_FALSE(spool.unsent_completion());
  spool.sent(*spool.unsent_refused(), {1, false});
  CHECK(spool.unsent_completion());
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

TEST_CASE("a disk that takes nothing more throws at nobody, and is told", "[agent][spool]") {
  base::TempDir folder;
  Spool spool(folder.path(), {k_id, 1, base::Secret("jt")}, 1 << 20);
  CHECK_FALSE(spool.trouble());
  std::filesystem::remove_all(spool.folder());
  SECTION("a step") {
    spool.add_step({0, "Setup", control::StepStatus::running, {}, {}});
  }
  SECTION("a line") {
    spool.add_line(0, line("one\n"));
  }
  SECTION("an attempt") {
    spool.add_refused({{}, 0, "leak.example", 443, "tcp", "curl", 1});
  }
  SECTION("the last word") {
    spool.complete({control::JobResult::failed, "", std::nullopt});
  }
  REQUIRE(spool.trouble());
  CHECK(spool.trouble()->find("cannot be kept") != std::string::npos);
  // The rest of the way the spool is asked for more.
  CHECK_FALSE(spool.unsent_steps());
  CHECK_FALSE(spool.unsent_lines());
  CHECK_FALSE(spool.unsent_refused());
  spool.complete({control::JobResult::failed, "the disk", std::nullopt});
  CHECK(spool.unsent_completion());
}

TEST_CASE("a record that was written half is replaced by the next", "[agent][spool]") {
  base::TempDir folder;
  Spool spool(folder.path(), {k_id, 1, base::Secret("jt")}, 1 << 20);
  spool.add_line(0, line("one\n"));
  {
    const FileSizeLimit limit(std::filesystem::file_size(spool.folder() / "log-0.jsonl") + 20);
    spool.add_line(0, line(std::string(200, 'x')));
  }
  REQUIRE(spool.trouble());
  spool.add_line(0, line("two\n"));
  const auto lines = *spool.unsent_lines();
  REQUIRE(lines.lines.size() == 2);
  CHECK(lines.lines.back().text == "two\n");
  CHECK(Spool::open(spool.folder()).unsent_lines()->lines.size() == 2);
}

TEST_CASE("of spools that were left, those without an owner are removed", "[agent][spool]") {
  base::TempDir folder;
  CHECK(find_left_spools(folder.path() / "none").empty());
  const Spool spool(folder.path(), {k_id, 1, base::Secret("jt")}, 1 << 20);
  base::make_directories(folder.path() / "half");
  base::write_file_atomic(folder.path() / "half" / "owner.json.tmp", "{");
  CHECK(find_left_spools(folder.path()) == std::vector{spool.folder()});
  CHECK_FALSE(std::filesystem::exists(folder.path() / "half"));
}

}  // namespace
}  // namespace airlock::agent
