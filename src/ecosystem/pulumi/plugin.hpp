// Plugins as manifests, packages and file names spell them (docs/ecosystems/pulumi.md). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "model/platform.hpp"

namespace airlock::ecosystem::pulumi {

struct Plugin {
  std::string kind = "resource";  // resource, language, converter, tool, analyzer
  std::string name;               // [a-z0-9][a-z0-9_-]*
  std::string version;            // semantic, without "v"; empty: the newest
  std::string server;             // where it is downloaded from, as the CLI takes it; empty: the default places

  auto operator<=>(const Plugin&) const = default;
  std::string to_string() const;  // "resource random@4.18.0 server=…", what parse_plugin takes
};

// `[KIND ]NAME[@VERSION][ server=URL]`. Throws manifest at `position`.
Plugin parse_plugin(std::string_view text, const base::SourcePosition& position);

// Throws manifest at `position` for what cannot be part of a file name that the CLI asks for.
void check_plugin(const Plugin& plugin, const base::SourcePosition& position);
bool is_plugin_version(std::string_view text);

// "pulumi-resource-random-v4.18.0-linux-amd64.tar.gz"; the version must be known.
std::string file_name(const Plugin& plugin, const model::Platform& platform);

struct NamedFile {
  Plugin plugin;  // without a server
  std::string os, arch;
};
// The other way round; hostile. nullopt for every other name.
std::optional<NamedFile> parse_file_name(std::string_view name);

}  // namespace airlock::ecosystem::pulumi
