#include "ecosystem/pypi/requirement.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/pypi/names.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_longest_requirement = 32 * 1024;  // bytes

[[noreturn]] void fail(std::string_view text, std::string_view why) {
  throw Error(ErrorCode::malformed, fmt::format("the requirement '{}' {}", base::printable(text, 200), why));
}

// The marker begins at a ";", which a URL ends before only where a space precedes it.
std::size_t marker_start(std::string_view text, bool is_url) {
  return is_url ? std::min(text.find(" ;"), text.find("\t;")) : text.find(';');
}

}  // namespace

Requirement Requirement::parse(std::string_view text) {
  const std::string_view whole = base::trim(text);
  if (whole.size() > k_longest_requirement) {
    fail(whole, "is too long");
  }
  Requirement requirement;
  requirement.text = whole;
  std::size_t length = whole.find_first_of(" \t[(<>=!~;@,");
  length = length == std::string_view::npos ? whole.size() : length;
  const std::string_view name = whole.substr(0, length);
  if (!is_name(name)) {
    fail(whole, "does not begin with the name of a package");
  }
  requirement.name = normalised(name);
  std::string_view left = base::trim(whole.substr(length));
  if (left.starts_with('[')) {
    const std::size_t end = left.find(']');
    if (end == std::string_view::npos) {
      fail(whole, "lacks a ']'");
    }
    for (const std::string& part : base::split(left.substr(1, end - 1), ',')) {
      const std::string_view extra = base::trim(part);
      if (extra.empty() && base::trim(left.substr(1, end - 1)).empty()) {
        continue;
      }
      if (!is_name(extra)) {
        fail(whole, fmt::format("has the extra '{}', which is no name", base::printable(extra, 60)));
      }
      requirement.extras.insert(normalised(extra));
    }
    left = base::trim(left.substr(end + 1));
  }
  const bool is_url = left.starts_with('@');
  const std::size_t semicolon = marker_start(left, is_url);
  if (semicolon != std::string_view::npos) {
    const std::string_view marker = base::trim(left.substr(left.find(';', semicolon) + 1));
    requirement.marker = Marker::parse(marker);
    left = base::trim(left.substr(0, semicolon));
  }
  if (is_url) {
    requirement.url = base::trim(left.substr(1));
    if (requirement.url.empty()) {
      fail(whole, "lacks its URL");
    }
    return requirement;
  }
  if (left.starts_with('(')) {
    if (!left.ends_with(')')) {
      fail(whole, "lacks a ')'");
    }
    left = base::trim(left.substr(1, left.size() - 2));
  }
  auto specifiers = SpecifierSet::parse(left);
  if (!specifiers) {
    fail(whole, fmt::format("has '{}', which says no version", base::printable(left, 100)));
  }
  requirement.specifiers = std::move(*specifiers);
  return requirement;
}

}  // namespace airlock::ecosystem::pypi
