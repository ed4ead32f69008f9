#include "bundle/namespaces.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/layout.hpp"

namespace airlock::bundle {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::string_view k_below = "**";

[[noreturn]] void refuse(std::string_view rule, std::string_view why) {
  throw Error(ErrorCode::usage, fmt::format("'{}' is no namespace: {}", base::printable(rule, 100), why))
      .with_hint(
          "an ecosystem, or an ecosystem and how its paths begin: npm, npm:@corp/*, oci:registry.example/team/**, "
          "or with ! in front what may not come");
}

// The first segment, which is taken off.
std::string_view next_segment(std::string_view& path) {
  const auto slash = path.find('/');
  const auto segment = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return segment;
}

bool covers_last(std::string_view pattern, std::string_view segment) {
  if (base::glob_match(pattern, segment)) {
    return true;
  }
  // A scope begins with "@", so the first character separates nothing.
  const auto cut = segment.find_first_of("@:", 1);
  return cut != std::string_view::npos && base::glob_match(pattern, segment.substr(0, cut));
}

}  // namespace

Namespaces::Namespaces(std::initializer_list<std::string_view> rules) {
  for (const auto rule : rules) {
    add(rule);
  }
}

std::string_view Namespaces::ecosystem_of(std::string_view rule) {
  if (rule.starts_with('!')) {
    rule.remove_prefix(1);
  }
  return rule.substr(0, rule.find(':'));
}

void Namespaces::add(std::string_view rule) {
  Pattern pattern;
  pattern.ecosystem = ecosystem_of(rule);
  if (pattern.ecosystem.empty()) {
    refuse(rule, "it names no ecosystem");
  }
  if (const auto colon = rule.find(':'); colon != std::string_view::npos) {
    pattern.segments = base::split(rule.substr(colon + 1), '/');
    for (std::size_t i = 0; i < pattern.segments.size(); ++i) {
      const auto& segment = pattern.segments[i];
      if (segment.empty()) {
        refuse(rule, "a part between two / is empty");
      }
      const bool last = i + 1 == pattern.segments.size();
      if (segment.find(k_below) != std::string::npos && !(last && segment == k_below)) {
        refuse(rule, "** stands alone, and in the last place");
      }
    }
  }
  m_rules.emplace_back(rule);
  (rule.starts_with('!') ? m_refused : m_allowed).push_back(std::move(pattern));
}

bool Namespaces::Pattern::covers(std::string_view of_ecosystem, std::string_view path) const {
  if (of_ecosystem != ecosystem) {
    return false;
  }
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (path.empty()) {
      return false;
    }
    if (segments[i] == k_below) {
      return true;
    }
    const auto segment = next_segment(path);
    const bool last = i + 1 == segments.size();
    if (!(last ? covers_last(segments[i], segment) : base::glob_match(segments[i], segment))) {
      return false;
    }
  }
  return true;
}

bool Namespaces::allows(std::string_view ecosystem, std::string_view path) const {
  const auto covers = [&](const Pattern& pattern) { return pattern.covers(ecosystem, path); };
  return std::ranges::any_of(m_allowed, covers) && std::ranges::none_of(m_refused, covers);
}

bool Namespaces::allows_some(std::string_view ecosystem) const {
  return std::ranges::any_of(m_allowed, [&](const Pattern& pattern) { return pattern.ecosystem == ecosystem; });
}

void check_namespaces_key(std::string_view key) {
  const auto slash = key.find('/');
  const auto channel = slash == std::string_view::npos ? key : key.substr(slash + 1);
  const bool has_producer = slash == std::string_view::npos || base::Digest::is_sha256_hex(key.substr(0, slash));
  if (!has_producer || !(channel == "*" || is_channel_name(channel))) {
    throw Error(ErrorCode::usage, fmt::format("'{}' names no channel", base::printable(key, 140)))
        .with_hint("CHANNEL, PRODUCER/CHANNEL, PRODUCER/* or *, where PRODUCER is a pinned root's whole fingerprint, "
                   "64 hex digits without blanks");
  }
}

const Namespaces* find_namespaces(const NamespacesByChannel& all, std::string_view producer, std::string_view channel) {
  for (const auto& key : {fmt::format("{}/{}", producer, channel), fmt::format("{}/*", producer), std::string(channel),
                          std::string("*")}) {
    if (const auto found = all.find(key); found != all.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

}  // namespace airlock::bundle
