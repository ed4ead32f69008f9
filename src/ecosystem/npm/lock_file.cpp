// package-lock.json and npm-shrinkwrap.json.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/npm/integrity.hpp"
#include "ecosystem/npm/names.hpp"
#include "ecosystem/npm/project.hpp"

namespace airlock::ecosystem::npm {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr base::JsonLimits k_limits = {
    .bytes = std::size_t{64} * 1024 * 1024, .depth = 256, .members = 200'000, .values = 2'000'000};
constexpr std::size_t k_package_limit = 200'000;
constexpr std::string_view k_modules = "node_modules/";

class LockReader {
 public:
  LockReader(Dev dev, std::string_view what) : m_dev(dev), m_what(what) {}

  // Versions 2 and 3: by place in the tree.
  void read_places(const Json& packages) {
    for (const auto& [place, entry] : packages.items()) {
      const std::size_t modules = place.rfind(k_modules);
      if (modules == std::string::npos) {
        continue;  // the root, or a folder of the project
      }
      const std::string name = text(entry, "name", place.substr(modules + k_modules.size()));
      if (flag(entry, "link")) {
        m_file.passed_over.push_back(name);
        continue;
      }
      if (!flag(entry, "inBundle")) {
        take(name, text(entry, "version", ""), text(entry, "resolved", ""), entry);
      }
    }
  }

  // Version 1: nested; a version may also say where the package comes from.
  void read_tree(const Json& dependencies, int depth) {
    if (depth > 100) {
      throw Error(ErrorCode::limit, fmt::format("{} is nested deeper than 100", m_what));
    }
    for (const auto& [key, entry] : dependencies.items()) {
      if (!entry.is_object()) {
        fail(key, "is no object");
      }
      std::string name = key;
      std::string version = text(entry, "version", "");
      if (version.starts_with("npm:")) {
        const Requirement alias = parse_dependency(key, version);
        name = alias.name;
        version = alias.wanted;
      }
      if (!flag(entry, "bundled")) {
        take(name, version, text(entry, "resolved", ""), entry);
      }
      if (const auto below = entry.find("dependencies"); below != entry.end() && below->is_object()) {
        read_tree(*below, depth + 1);
      }
    }
  }

  LockFile finish() {
    std::sort(m_file.packages.begin(), m_file.packages.end());
    // One that is needed somewhere is not optional, and statements of two places add up.
    std::vector<LockedPackage> merged;
    for (LockedPackage& one : m_file.packages) {
      if (merged.empty() || merged.back().name != one.name || merged.back().version != one.version) {
        merged.push_back(std::move(one));
        continue;
      }
      LockedPackage& same = merged.back();
      if (!agree(same.integrity, one.integrity)) {
        fail(one.name, fmt::format("{} stands with two integrities", one.version));
      }
      same.optional = same.optional && one.optional;
      same.integrity.insert(same.integrity.end(), one.integrity.begin(), one.integrity.end());
    }
    m_file.packages = std::move(merged);
    return std::move(m_file);
  }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& reason) const {
    throw Error(ErrorCode::malformed, fmt::format("{}: '{}' {}", m_what, base::printable(name, 200), reason));
  }

  static std::string text(const Json& entry, const char* key, std::string fallback) {
    const auto found = entry.is_object() ? entry.find(key) : entry.end();
    return entry.is_object() && found != entry.end() && found->is_string() ? found->get<std::string>()
                                                                           : std::move(fallback);
  }
  static bool flag(const Json& entry, const char* key) {
    const auto found = entry.is_object() ? entry.find(key) : entry.end();
    return entry.is_object() && found != entry.end() && found->is_boolean() && found->get<bool>();
  }

  void take(const std::string& name, const std::string& version, const std::string& resolved, const Json& entry) {
    if (m_dev == Dev::leave && flag(entry, "dev")) {
      return;
    }
    if (resolved.starts_with("file:") || version.starts_with("file:") || version.starts_with("link:")) {
      m_file.passed_over.push_back(name);
      return;
    }
    const bool from_web = resolved.empty() || resolved.starts_with("http://") || resolved.starts_with("https://");
    if (!is_package_name(name)) {
      fail(name, "is no name of a package");
    }
    if (!from_web || !is_version(version)) {
      throw Error(ErrorCode::unsupported, fmt::format("{}: '{}' comes from {}, not from a registry", m_what, name,
                                                      base::printable(resolved.empty() ? version : resolved, 200)))
          .with_hint("publish it into a registry, or carry its source with the project");
    }
    if (m_file.packages.size() == k_package_limit) {
      throw Error(ErrorCode::limit, fmt::format("{} has more than {} packages", m_what, k_package_limit));
    }
    LockedPackage locked{.name = name, .version = version, .integrity = {}, .optional = flag(entry, "optional")};
    // "devOptional" is needed by something of the development, so it is optional only without that.
    locked.optional = locked.optional || (m_dev == Dev::leave && flag(entry, "devOptional"));
    locked.integrity = base::with_context([&] { return fmt::format("while reading '{}' in {}", name, m_what); },
                                          [&] { return parse_integrity(text(entry, "integrity", "")); });
    m_file.packages.push_back(std::move(locked));
  }

  Dev m_dev;
  std::string_view m_what;
  LockFile m_file;
};

}  // namespace

LockFile parse_lock_file(std::string_view text, Dev dev, std::string_view what) {
  const Json json = base::parse_json(text, what, k_limits);
  if (!json.is_object()) {
    throw Error(ErrorCode::malformed, fmt::format("{} is no object", what));
  }
  LockReader reader(dev, what);
  const auto packages = json.find("packages");
  const auto dependencies = json.find("dependencies");
  if (packages != json.end() && packages->is_object()) {
    reader.read_places(*packages);
  } else if (dependencies != json.end() && dependencies->is_object()) {
    reader.read_tree(*dependencies, 0);
  } else if (!json.contains("lockfileVersion")) {
    throw Error(ErrorCode::malformed, fmt::format("{} is no lock file of npm", what));
  }
  return reader.finish();
}

}  // namespace airlock::ecosystem::npm
