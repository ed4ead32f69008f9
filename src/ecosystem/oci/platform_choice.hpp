// Which children of a multi-platform index are carried. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/oci/manifest.hpp"
#include "model/platform.hpp"

namespace airlock::ecosystem::oci {

struct ChosenChild {
  const Descriptor* child = nullptr;
  std::string platform;         // "linux/amd64"; empty where the child has none; an attestation's is its subject's
  bool is_attestation = false;  // of another child
};

struct PlatformChoice {
  std::vector<ChosenChild> taken;
  std::vector<ChosenChild> left;  // exist upstream, deliberately not carried
};

enum class Attestations { take, leave };

// Children that serve a wish; all of them where the index speaks of one platform only, or of none. A child
// without a platform is taken: nothing says whom it is for. Attestations of a build (platform
// unknown/unknown, annotated with the child that they belong to) go with that child. A wish that nothing
// serves throws not_found and names what there is. An empty list of wishes takes everything. Borrows from
// `index`.
PlatformChoice choose_children(const Manifest& index, const std::vector<model::Platform>& wishes,
                               Attestations attestations, std::string_view name);

}  // namespace airlock::ecosystem::oci
