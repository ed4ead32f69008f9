// Where a plugin's releases lie: the CLI's own rules for the address it takes (docs/ecosystems/pulumi.md, Sources).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/url.hpp"
#include "ecosystem/pulumi/plugin.hpp"

namespace airlock::ecosystem::pulumi {

// A folder of release files, each of which is FOLDER/NAME.
struct Source {
  std::string folder;          // URL, no "/" at the end; {version} still in it
  std::string releases;        // GitHub's API of that repository's releases, URL; empty where there is none
  bool has_checksums = true;   // a file of checksums may lie there too
  std::string variables_name;  // what ${NAME} in the folder stands for; empty: nothing but {version} is replaced
};

// In the order in which they are tried. Throws manifest at `position` for a server that is no address the CLI takes, or
// one that cannot be fetched from here (git://).
std::vector<Source> sources_of(const Plugin& plugin, const base::SourcePosition& position);

// The folder for one version and platform. Throws manifest for a folder that is no URL.
base::Url folder_url(const Source& source, const Plugin& plugin, const model::Platform& platform,
                     const base::SourcePosition& position);

// "pulumi-random_4.18.0_checksums.txt"
std::string checksums_name(const Plugin& plugin);

}  // namespace airlock::ecosystem::pulumi
