// Names of packages, what a dependency asks for, and the paths of what is carried (docs/ecosystems/npm.md, Rows;
// npm-package-arg, validate-npm-package-name).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace airlock::ecosystem::npm {

inline constexpr const char* k_ecosystem = "npm";

// "left-pad" or "@scope/name": at most 214 characters that stand in a URL unescaped, not beginning with "." or "_".
// Upper case is let through, as old packages have it.
bool is_package_name(std::string_view name);
bool is_tarball_name(std::string_view file);        // "left-pad-1.3.0.tgz": plain characters, ends in .tgz
bool is_version(std::string_view text);             // as registries have it; plain characters
bool is_tag(std::string_view text);                 // a dist-tag: plain characters, no range
std::string base_name(const std::string& package);  // "name" of "@scope/name"
std::string usual_tarball_name(const std::string& package, std::string_view version);

// What one dependency asks for.
struct Requirement {
  enum class Kind {
    range,    // `wanted` is a range, or a version
    tag,      // `wanted` is a dist-tag
    local,    // file:, link:, workspace:, portal: or a path; nothing that a registry has
    foreign,  // git, a URL, or what nobody can read
  };
  Kind kind = Kind::range;
  std::string name;               // of the package in the registry; an alias is resolved
  std::string wanted;             // without "npm:other@"
  std::string to_string() const;  // "name@wanted"
};
// `key` and `value` as they stand in package.json: "left-pad" and "^1.0.0", "npm:other@1". Throws malformed for a
// package name that is none.
Requirement parse_dependency(std::string_view key, std::string_view value);
// As on a command line: "left-pad", "@scope/name@^1", "alias@npm:other@1". Throws manifest.
Requirement parse_package(std::string_view text);

// Paths of rows.
std::string tarball_path(const std::string& package, std::string_view file);     // "NAME/-/FILE.tgz"
std::string version_path(const std::string& package, std::string_view version);  // "NAME/VERSION"; also of a dist-tag
std::string notes_path(const std::string& package, std::string_view version);    // "NAME/-/notes/VERSION"

std::string purl_of(const std::string& package, std::string_view version);
struct PackageVersion {
  std::string name, version;
  auto operator<=>(const PackageVersion&) const = default;
};
std::optional<PackageVersion> parse_purl(std::string_view purl);  // nullopt when it is none of npm

}  // namespace airlock::ecosystem::npm
