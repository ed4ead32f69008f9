// What both directions of HTTP share: header fields, methods' requests and responses as plain values (RFC
// 9110).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace airlock::http {

// Field names compare without case; order is kept; a field may stand more than once.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : m_fields(fields) {}

  void set(std::string_view name, std::string value);  // replaces all of that name
  void add(std::string_view name, std::string value);
  void remove(std::string_view name);
  std::optional<std::string> find(std::string_view name) const;  // the first
  std::vector<std::string> all(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return m_fields; }

 private:
  std::vector<std::pair<std::string, std::string>> m_fields;
};

// Of a Content-Length field; nullopt where there is none, or no number (RFC 9110, 8.6).
std::optional<std::uint64_t> content_length(const Headers& headers);

// One challenge of a WWW-Authenticate field: scheme in lower case and its parameters (RFC 9110, 11.6.1).
struct Challenge {
  std::string scheme;
  std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case
  std::optional<std::string> parameter(std::string_view name) const;
};
std::vector<Challenge> parse_challenges(std::string_view field);  // what is malformed is left out

// One range of a Range field against a known length (RFC 9110, 14.2).
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};
enum class RangeVerdict { whole, partial, unsatisfiable };  // whole: no range, several, or not one that we read
RangeVerdict parse_range(std::string_view field, std::uint64_t total, ByteRange& range);

std::string_view status_text(int status);  // "Not Found"; "" when unknown

}  // namespace airlock::http
