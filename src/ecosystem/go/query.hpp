// From "PATH@QUERY", as `go get` takes it, to a module and its version (Go modules reference, Version queries).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/go/module_path.hpp"
#include "ecosystem/go/module_source.hpp"

namespace airlock::ecosystem::go {

struct Query {
  std::string path;     // of a module, or of a package in one
  std::string version;  // "v1.2.3", "v1", "<v2.0.0", "latest", a branch or commit
  auto operator<=>(const Query&) const = default;
};
// "latest" where no version stands there. Throws malformed.
Query parse_query(std::string_view text);

// What a proxy says of a version: its name and time. Proxies add, at one time and not at another, where they had it
// from; that is left out, so that one version has one text, and so that no address outside is served.
struct VersionInfo {
  std::string version;
  std::string time;  // RFC 3339; may be empty
  std::string to_json() const;
};
VersionInfo parse_info(std::string_view json, const std::string& name);  // throws malformed

// The module with the longest path that is `query.path` or begins it and that has such a version. nullopt where there
// is none.
std::optional<Module> find_module(const Query& query, Proxy& proxy, ModuleSource& source);

// The versions of a list that answer `query`, the best one first: releases before others, newest first (oldest first
// for ">" and ">="). Pure.
std::vector<std::string> matching_versions(std::string_view module_path, std::string_view list, std::string_view query);

}  // namespace airlock::ecosystem::go
