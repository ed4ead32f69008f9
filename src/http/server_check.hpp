// What a request header must look like beyond HTTP's syntax, so that nothing behind or before us can read the
// same bytes as another request. The parser has refused what is malformed in itself; this is the rest. Pure,
// no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"

namespace airlock::http {

struct RequestHead {
  std::string method;
  std::string target;
  int version = 11;  // 10 or 11
  Headers headers;
};

enum class Framing { none, counted, chunked };

struct HeadVerdict {
  int refusal = 0;          // status to answer with before the connection is closed; 0: accepted
  std::string_view reason;  // of a refusal, for the client and the log
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;  // with Framing::counted
  bool keep_alive = false;
  bool expects_continue = false;
};

// RFC 9112, 2.3, 3.2 and 6.1 to 6.3; RFC 9110, 7.2, 8.6 and 10.1.1: exactly one well-formed Host (1.0 may go
// without), Transfer-Encoding absent or exactly "chunked" and only in 1.1, at most one plain decimal
// Content-Length and never beside it, a target in origin form of at most `target_limit` bytes, a method that
// is known (else 501).
HeadVerdict check_head(const RequestHead& head, std::size_t target_limit);

// uri-host [":" port] with the characters that real hosts have.
bool is_well_formed_host(std::string_view host);

struct Target {
  std::vector<std::string> segments;  // "/a%2fb/c/" gives "a/b", "c", ""
  std::vector<std::pair<std::string, std::string>> query;
};

// Splits before decoding. nullopt for what has no single meaning: a bad escape, an empty segment that is not
// the last,
// "." or "..", NUL or another control character, a backslash; also behind an encoded "/".
std::optional<Target> parse_target(std::string_view target);

}  // namespace airlock::http
