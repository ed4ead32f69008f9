// Versions and ranges as node-semver reads them with `loose`, which is what npm, pnpm and yarn use for dependencies
// (node-semver, "Ranges" and "Range Grammar").
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace airlock::ecosystem::npm {

class SemVer {
 public:
  // "1.2.3-rc.1+build", also "v1.2.3" and "1.2.3rc1"; nullopt when it is no version, is longer than 256 characters, or
  // a number is beyond 2^53-1.
  static std::optional<SemVer> parse(std::string_view text);
  std::uint64_t major() const { return m_major; }
  std::uint64_t minor() const { return m_minor; }
  std::uint64_t patch() const { return m_patch; }
  bool is_prerelease() const { return !m_prerelease.empty(); }
  std::string to_string() const;                              // normalised, without build metadata
  std::weak_ordering operator<=>(const SemVer& other) const;  // build metadata is ignored
  bool operator==(const SemVer& other) const { return (*this <=> other) == 0; }

 private:
  std::uint64_t m_major = 0, m_minor = 0, m_patch = 0;
  std::vector<std::string> m_prerelease;
};

class Range {
 public:
  // nullopt when node-semver would refuse it ("latest", a URL), or it is longer than 4096 characters.
  static std::optional<Range> parse(std::string_view text);
  // A prerelease is taken only by a comparator that names one of the same major.minor.patch.
  bool satisfied_by(const SemVer& version) const;
  bool intersects(const Range& other) const;  // some version may satisfy both; errs on the side of yes
  bool is_any() const;                        // "*", "", "x"

 private:
  enum class Operator { equal, less, less_equal, greater, greater_equal };
  struct Comparator {
    Operator op = Operator::equal;
    std::optional<SemVer> version;  // nullopt: any
    bool test(const SemVer& version) const;
    bool is_null_set() const;  // "<0.0.0-0"
  };
  using Set = std::vector<Comparator>;  // all of them hold
  static std::optional<Comparator> parse_comparator(std::string_view text);
  static std::optional<Set> parse_set(const std::string& text);
  static bool satisfies(const Set& set, const SemVer& version);
  static bool overlap(const Set& a, const Set& b);
  std::vector<Set> m_sets;  // any of them
};

}  // namespace airlock::ecosystem::npm
