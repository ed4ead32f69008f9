// A registry's document of one package: which versions there are, which one npm would take, and what a version says.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "ecosystem/npm/names.hpp"
#include "ecosystem/npm/packument_index.hpp"
#include "ecosystem/npm/semver.hpp"
#include "ecosystem/npm/spilled_text.hpp"
#include "ecosystem/npm/version_facts.hpp"

namespace airlock::ecosystem::npm {

class Packument {
 public:
  // Throws malformed when the document is none, or is that of another package. Versions that are no versions are left
  // out.
  Packument(std::string name, std::unique_ptr<SpilledText> text);

  const std::string& name() const { return m_name; }
  const std::map<std::string, std::string>& dist_tags() const { return m_index.dist_tags; }
  std::string time(const std::string& version) const;  // "" where the registry tells none
  bool has(const std::string& version) const { return m_index.versions.contains(version); }
  std::size_t version_count() const { return m_sorted.size(); }
  std::string some_versions() const;  // for messages: the newest few

  // npm's rule (npm-pick-manifest): a tag gives its version; of a range `latest`, where that satisfies it and is not
  // deprecated, else the highest that is not deprecated, else the highest. nullopt when nothing satisfies.
  std::optional<std::string> choose(const Requirement& requirement) const;

  // The highest that `suits`; one that is not deprecated, where there is such a one.
  std::optional<std::string> highest(const std::function<bool(const SemVer&)>& suits) const;

  base::Json version_object(const std::string& version) const;  // throws malformed, limit; not_found without it
  VersionFacts facts(const std::string& version) const;

 private:
  std::string what(const std::string& version) const;
  bool is_deprecated(const std::string& version) const;

  std::string m_name;
  std::unique_ptr<SpilledText> m_text;
  PackumentIndex m_index;
  struct Known {
    SemVer version;
    std::string text;
  };
  std::vector<Known> m_sorted;  // highest first
};

}  // namespace airlock::ecosystem::npm
