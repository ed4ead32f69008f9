// What clients missed, as a manifest to carry back (docs/formats/manifest.md, Projects and wants).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace airlock::workflow {

struct MissedName {
  std::string ecosystem;
  std::string name;         // in the ecosystem's own spelling
  std::uint64_t count = 0;  // requests
};

enum class WantsScope {
  public_only,  // names that would say something of the inside stay here
  all,
};

struct WantsList {
  std::string manifest;  // YAML that `create --wants` takes
  std::vector<MissedName> listed;
  std::vector<MissedName> kept_back;  // private names, left out
  std::vector<MissedName> unknown;    // of which no manifest entry can be made: comments in the manifest
};

// How each manifest begins, so that one is told from anything else.
inline constexpr std::string_view k_wants_begin = "# What clients asked for and did not find";

WantsList list_wants(const std::vector<MissedName>& missed, WantsScope scope);

}  // namespace airlock::workflow
