// Version numbers of releases and tags, ordered as Semantic Versioning 2.0.0 says, lenient in the number of parts.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace airlock::model {

class Version {
 public:
  // "1.2.3", "v1.2", "1.2.3-rc.1+build"; nullopt when it is no such number.
  static std::optional<Version> parse(std::string_view text);
  const std::string& text() const { return m_text; }  // as given
  bool is_prerelease() const { return !m_prerelease.empty(); }
  std::weak_ordering operator<=>(const Version& other) const;  // build metadata is ignored
  bool operator==(const Version& other) const { return (*this <=> other) == 0; }

 private:
  std::string m_text;
  std::vector<std::string> m_numbers;  // decimal, without leading zeros; of any length
  std::vector<std::string> m_prerelease;
};

}  // namespace airlock::model
