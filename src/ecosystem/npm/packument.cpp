#include "ecosystem/npm/packument.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::npm {

using base::Error;
using base::ErrorCode;

namespace {

constexpr base::JsonLimits k_version_limits = {.bytes = std::size_t{4} * 1024 * 1024, .depth = 32, .members = 100'000};
constexpr std::size_t k_versions_shown = 8;

}  // namespace

Packument::Packument(std::string name, std::unique_ptr<SpilledText> text)
    : m_name(std::move(name)), m_text(std::move(text)),
      m_index(index_packument(m_text->text(), fmt::format("the answer for package '{}'", m_name))) {
  if (m_index.name != m_name) {
    throw Error(ErrorCode::malformed, fmt::format("the registry answered for package '{}' with a document of '{}'",
                                                  m_name, base::printable(m_index.name, 100)));
  }
  std::erase_if(m_index.versions, [](const auto& one) { return !is_version(one.first); });
  m_sorted.reserve(m_index.versions.size());
  for (const auto& [version, span] : m_index.versions) {
    m_sorted.push_back({.version = SemVer::parse(version).value(), .text = version});
  }
  std::stable_sort(m_sorted.begin(), m_sorted.end(),
                   [](const Known& a, const Known& b) { return b.version < a.version; });
}

std::string Packument::time(const std::string& version) const {
  const auto found = m_index.times.find(version);
  return found == m_index.times.end() ? "" : found->second;
}

std::string Packument::some_versions() const {
  if (m_sorted.empty()) {
    return "it has no version";
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(k_versions_shown, m_sorted.size()); ++i) {
    names.push_back(m_sorted[i].text);
  }
  const std::string rest =
      m_sorted.size() > names.size() ? fmt::format(" and {} older", m_sorted.size() - names.size()) : "";
  return fmt::format("there are {}{}", base::join(names, ", "), rest);
}

std::optional<std::string> Packument::choose(const Requirement& requirement) const {
  if (requirement.kind == Requirement::Kind::tag) {
    const auto tag = m_index.dist_tags.find(requirement.wanted);
    return tag != m_index.dist_tags.end() && has(tag->second) ? std::optional(tag->second) : std::nullopt;
  }
  if (has(requirement.wanted)) {
    return requirement.wanted;
  }
  if (const auto exact = SemVer::parse(requirement.wanted)) {
    const auto found =
        std::find_if(m_sorted.begin(), m_sorted.end(), [&](const Known& one) { return one.version == *exact; });
    return found != m_sorted.end() ? std::optional(found->text) : std::nullopt;
  }
  const auto range = Range::parse(requirement.wanted);
  if (!range) {
    return std::nullopt;
  }
  if (const auto latest = m_index.dist_tags.find("latest"); latest != m_index.dist_tags.end() && has(latest->second)) {
    const auto version = SemVer::parse(latest->second);
    const std::string_view wanted = base::trim(requirement.wanted);
    // Without a range even a prerelease is taken when it is the latest.
    if (version && (wanted.empty() || wanted == "*" || range->satisfied_by(*version)) &&
        !is_deprecated(latest->second)) {
      return latest->second;
    }
  }
  return highest([&](const SemVer& version) { return range->satisfied_by(version); });
}

std::optional<std::string> Packument::highest(const std::function<bool(const SemVer&)>& suits) const {
  std::optional<std::string> deprecated;
  for (const Known& one : m_sorted) {
    if (!suits(one.version)) {
      continue;
    }
    if (!is_deprecated(one.text)) {
      return one.text;
    }
    if (!deprecated) {
      deprecated = one.text;
    }
  }
  return deprecated;
}

std::string Packument::what(const std::string& version) const {
  return fmt::format("the registry's entry of {} {}", m_name, version);
}

bool Packument::is_deprecated(const std::string& version) const {
  const PackumentIndex::Span span = m_index.versions.at(version);
  // Most are not, and that is seen without parsing them.
  return m_text->text().substr(span.begin, span.end - span.begin).find("\"deprecated\"") != std::string_view::npos &&
         !facts(version).deprecated.empty();
}

base::Json Packument::version_object(const std::string& version) const {
  const auto found = m_index.versions.find(version);
  if (found == m_index.versions.end()) {
    throw Error(ErrorCode::not_found, fmt::format("the registry has no {} {}", m_name, version));
  }
  base::Json object =
      base::parse_json(m_text->text().substr(found->second.begin, found->second.end - found->second.begin),
                       what(version), k_version_limits);
  if (!object.is_object() || base::string_member_or(object, "name", "", what(version)) != m_name ||
      base::string_member_or(object, "version", "", what(version)) != version) {
    throw Error(ErrorCode::malformed, fmt::format("{} is that of another package or version", what(version)));
  }
  return object;
}

VersionFacts Packument::facts(const std::string& version) const {
  return read_facts(version_object(version), what(version));
}

}  // namespace airlock::ecosystem::npm
