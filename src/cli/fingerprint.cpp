#include "cli/fingerprint.hpp"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::cli {

namespace {

constexpr std::size_t k_group = 4;  // hex digits in a group of a fingerprint
constexpr std::size_t k_groups = 64 / k_group;

std::string plain_hex(std::string_view text) {
  std::string hex;
  for (const char c : text) {
    if (c != ' ' && c != ':' && c != '-' && c != '\t') {
      hex.push_back(c);
    }
  }
  return base::to_lower(hex);
}

}  // namespace

std::string parse_fingerprint(std::string_view text, std::string_view what) {
  std::string hex = plain_hex(text);
  if (!base::Digest::is_sha256_hex(hex)) {
    throw base::Error(base::ErrorCode::usage, fmt::format("{} has 64 hex digits", what))
        .with_hint("give all of them; blanks and colons do not matter");
  }
  return hex;
}

bool ask_for_groups(Session& session, const std::string& fingerprint, std::string_view flag_instead) {
  std::random_device random;
  const auto first = random() % k_groups;
  const auto second = (first + 1 + random() % (k_groups - 1)) % k_groups;
  for (const auto index : {std::min(first, second), std::max(first, second)}) {
    const auto typed = session.ask(
        fmt::format("Group {} of {} of the fingerprint, from your paper:", index + 1, k_groups), flag_instead);
    if (plain_hex(typed) != fingerprint.substr(index * k_group, k_group)) {
      return false;
    }
  }
  return true;
}

}  // namespace airlock::cli
