// What a job prints, as records: the first byte says in pieces of how many bytes it comes. Every record is one line
// that the server's reader takes, and together they are what was printed.
#include <algorithm>
#include <string>

#include "agent/log_writer.hpp"
#include "base/text.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"

using namespace airlock;

namespace {

std::string drain(agent::Spool& spool) {
  std::string all;
  while (const auto append = spool.unsent_lines()) {
    const auto sent = control::parse_log_append(control::print(*append));
    fuzz::require(!sent.lines.empty() && sent.lines.size() == append->lines.size(), "a record is a line");
    for (const auto& line : sent.lines) {
      fuzz::require(!line.text.empty() && line.text.size() <= control::limits::k_line, "a line is no longer than that");
      all += line.text;
    }
    spool.sent(*append, {.next = append->offset + append->lines.size()});
  }
  return all;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  static const base::TempDir folder(fuzz::memory_place());
  static std::uint64_t attempt = 0;
  agent::Masker masker;
  masker.add(base::Secret("hunter22-and-more"));
  masker.add(base::Secret("-----BEGIN KEY-----\nMIIabcdef\n-----END KEY-----\n"));
  agent::Spool spool(folder.path(), {"01234567-89ab-4cde-8f01-23456789abcd", ++attempt, base::Secret("t")}, 1 << 30);
  const std::string_view output = fuzz::as_text(data + 1, size - 1);
  {
    agent::LogWriter writer(spool, 0, masker);
    const std::size_t piece = std::size_t{data[0]} + 1;
    for (std::size_t at = 0; at < output.size(); at += piece) {
      writer.write(output.substr(at, piece));
    }
    writer.finish();
  }
  const std::string shown = drain(spool);
  fuzz::require(base::is_valid_utf8(shown) && shown.find('\0') == std::string::npos, "only text is sent");
  fuzz::require(shown.empty() || shown.back() == '\n', "the last line is ended");
  std::string expected = masker.mask(output);
  if (!expected.empty() && expected.back() != '\n') {
    expected += '\n';
  }
  if (base::is_valid_utf8(output) && output.find('\0') == std::string_view::npos) {
    fuzz::require(shown == expected, "text is sent as it was printed");
  }
  agent::LogWriter(spool, 1, masker).say(std::string(output));
  drain(spool);
  spool.remove();
  return 0;
}
