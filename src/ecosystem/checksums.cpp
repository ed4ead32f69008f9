#include "ecosystem/checksums.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem {

using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_hex = 64;  // characters of a SHA-256

struct Line {
  std::string hex, name;
};

std::optional<std::string> as_hex(std::string_view text) {
  std::string hex = base::to_lower(text);
  return Digest::is_sha256_hex(hex) ? std::optional<std::string>(std::move(hex)) : std::nullopt;
}

std::string_view base_name(std::string_view name) {
  const std::size_t slash = name.find_last_of("/\\");
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

// "HEX  NAME" and "HEX *NAME" (coreutils, sha256sum)
std::optional<Line> parse_gnu(std::string_view line) {
  const auto hex = as_hex(line.substr(0, k_hex));
  if (!hex || line.size() <= k_hex || (line[k_hex] != ' ' && line[k_hex] != '\t')) {
    return std::nullopt;
  }
  std::string_view name = base::trim(line.substr(k_hex));
  if (name.starts_with('*')) {
    name.remove_prefix(1);
  }
  return Line{.hex = *hex, .name = std::string(base_name(name))};
}

// "SHA256 (NAME) = HEX" (BSD, and rhash with more spaces)
std::optional<Line> parse_bsd(std::string_view line) {
  constexpr std::string_view tag = "SHA256";
  if (!line.starts_with(tag)) {
    return std::nullopt;
  }
  line = base::trim(line.substr(tag.size()));
  const std::size_t close = line.rfind(')');
  if (!line.starts_with('(') || close == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view name = line.substr(1, close - 1);
  std::string_view rest = base::trim(line.substr(close + 1));
  if (!rest.starts_with('=')) {
    return std::nullopt;
  }
  const auto hex = as_hex(base::trim(rest.substr(1)));
  return hex ? std::optional(Line{.hex = *hex, .name = std::string(base_name(name))}) : std::nullopt;
}

}  // namespace

std::optional<Digest> find_checksum(std::string_view text, ChecksumFormat format, std::string_view file_name) {
  if (format != ChecksumFormat::bsd) {
    if (const auto hex = as_hex(base::trim(text))) {
      return Digest::parse_sha256_hex(*hex);
    }
    if (format == ChecksumFormat::single) {
      return std::nullopt;
    }
  }
  std::optional<std::string> found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = base::trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto parsed = format == ChecksumFormat::bsd ? parse_bsd(line) : parse_gnu(line);
    if (!parsed || parsed->name != file_name) {
      continue;
    }
    if (found && *found != parsed->hex) {
      throw Error(ErrorCode::upstream,
                  fmt::format("the checksum file states two digests for '{}'", base::printable(file_name)));
    }
    found = parsed->hex;
  }
  return found ? std::optional(Digest::parse_sha256_hex(*found)) : std::nullopt;
}

}  // namespace airlock::ecosystem
