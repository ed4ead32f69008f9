// What a job prints, as the records that a server takes.
#include "agent/log_writer.hpp"

#include "base/text.hpp"
#include "support/catch.hpp"

namespace airlock::agent {
namespace {

const std::string k_unknown = "\xEF\xBF\xBD";  // U+FFFD

std::string repeated(const std::string& text, std::size_t count) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) {
    result += text;
  }
  return result;
}

class Log {
 public:
  explicit Log(const Masker& masker = {}) : m_writer(m_spool, 0, masker) {}
  LogWriter& writer() { return m_writer; }
  // All that was written so far, as it would be sent.
  std::vector<std::string> lines() {
    std::vector<std::string> result;
    while (const auto append = m_spool.unsent_lines()) {
      const auto sent = control::parse_log_append(control::print(*append));  // the server's reader
      for (const auto& line : sent.lines) {
        result.push_back(line.text);
      }
      m_spool.sent(*append, {.next = append->offset + append->lines.size()});
    }
    return result;
  }

 private:
  base::TempDir m_folder;
  Spool m_spool{m_folder.path() / "spool", {"01234567-89ab-4cde-8f01-23456789abcd", 1, base::Secret("t")}, 1 << 30};
  LogWriter m_writer;
};

TEST_CASE("a line that becomes longer on its way is cut so that the server takes it", "[agent][log]") {
  const std::string byte = GENERATE(std::string("\xff"), std::string(1, '\0'));
  Log log;
  log.writer().write(repeated(byte, 20'000) + "\nafter\n");
  log.writer().finish();
  const auto lines = log.lines();
  REQUIRE(lines.size() >= 4);
  std::string all;
  for (const auto& line : lines) {
    CHECK(line.size() <= control::limits::k_line);
    CHECK(base::is_valid_utf8(line));
    all += line;
  }
  CHECK(all == repeated(k_unknown, 20'000) + "\nafter\n");
  CHECK(lines.back() == "after\n");
}

TEST_CASE("airlock's own words are lines as well", "[agent][log]") {
  Log log;
  log.writer().say("one\ntwo");
  log.writer().say(std::string(20'000, 'x'));
  const auto lines = log.lines();
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "airlock: one\n");
  CHECK(lines[1] == "two\n");
  CHECK(lines[2].size() == control::limits::k_line);
  CHECK(lines[2] + lines[3] == "airlock: " + std::string(20'000, 'x') + "\n");
}

TEST_CASE("long lines are cut between characters", "[agent][log]") {
  Log log;
  const std::string text = "x" + repeated("\xE2\x82\xAC", 10'000);  // the euro sign
  log.writer().write(text);
  log.writer().finish();
  std::string all;
  for (const auto& line : log.lines()) {
    CHECK(base::is_valid_utf8(line));
    all += line;
  }
  CHECK(all == text + "\n");
}

}  // namespace
}  // namespace airlock::agent
