// Request headers and targets: what is accepted has one meaning. The input is a header as a parser would hand
// it on: method, target and version in the first line, then "Name: value" lines.
#include <algorithm>

#include "base/text.hpp"
#include "fuzz_target.hpp"
#include "http/server_check.hpp"

using namespace airlock;
using fuzz::require;

namespace {

http::RequestHead head_of(std::string_view text) {
  http::RequestHead head;
  const auto lines = base::split(text, '\n');
  const auto words = base::split(lines.front(), ' ');
  head.method = words.front();
  head.target = words.size() > 1 ? words[1] : "";
  head.version = words.size() > 2 && words[2] == "HTTP/1.0" ? 10 : 11;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::size_t colon = lines[i].find(": ");
    if (colon != std::string::npos) {
      head.headers.add(lines[i].substr(0, colon), lines[i].substr(colon + 2));
    }
  }
  return head;
}

void check_accepted(const http::RequestHead& head, const http::HeadVerdict& verdict) {
  const auto hosts = head.headers.all("Host");
  require(hosts.size() == 1 || (hosts.empty() && head.version == 10), "one Host");
  require(hosts.empty() || hosts.front().find_first_of("/@\\ \"<>,#?\r\n") == std::string::npos,
          "a Host, and only that");
  const auto lengths = head.headers.all("Content-Length");
  const auto encodings = head.headers.all("Transfer-Encoding");
  require(lengths.size() + encodings.size() <= 1, "one framing");
  require((verdict.framing == http::Framing::chunked) == !encodings.empty(), "chunked where it says so");
  require(encodings.empty() || head.version == 11, "chunked in 1.1 only");
  if (!lengths.empty()) {
    const std::string& length = lengths.front();
    const std::size_t zeros = std::min(length.find_first_not_of('0'), length.size() - 1);
    require(std::to_string(verdict.content_length) == length.substr(zeros), "the length that is written");
  }
  require(head.target.starts_with('/'), "origin form");
}

void check_target(const http::Target& target) {
  for (std::size_t i = 0; i < target.segments.size(); ++i) {
    const std::string& segment = target.segments[i];
    require(!segment.empty() || i + 1 == target.segments.size(), "only the last segment is empty");
    require(segment.find('\0') == std::string::npos && segment.find('\\') == std::string::npos, "no NUL, no backslash");
    for (const std::string& part : base::split(segment, '/')) {
      require(part != "." && part != ".." && (!part.empty() || segment.empty()), "no dot segments");
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const http::RequestHead head = head_of(text);
  const http::HeadVerdict verdict = http::check_head(head, 8192);
  if (verdict.refusal == 0) {
    check_accepted(head, verdict);
  }
  for (const std::string_view target : {std::string_view(head.target), text}) {
    if (const auto parsed = http::parse_target(target)) {
      check_target(*parsed);
    }
  }
  return 0;
}
