// From one image's reference to all rows that belong to it: manifests, configs, layers, signatures,
// attestations and SBOMs, each emitted as soon as it is known. Knows sources, not where they lie.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/reporter.hpp"
#include "ecosystem/ecosystem.hpp"
#include "ecosystem/oci/reference.hpp"
#include "ecosystem/oci/source.hpp"
#include "model/platform.hpp"

namespace airlock::ecosystem::oci {

enum class Referrers { carry, leave };
enum class ForeignLayers { leave, carry };

struct ImageWish {
  Reference reference;  // what the rows are called; tag empty where the image is known by digest only
  std::vector<model::Platform> platforms;
  Referrers referrers = Referrers::carry;
  ForeignLayers foreign_layers = ForeignLayers::leave;
};

// Where the walk stands to the world.
struct WalkHooks {
  Resolver::Emit emit;
  // Told when a signature could not be asked for, which is not the same as that there is none; returns when
  // that is accepted for this upstream, and throws otherwise.
  std::function<void(const base::Error&)> not_asked;
  base::Reporter& reporter;
};

// Throws when the image cannot be had whole: what it refers to is missing, no platform fits, bytes do not
// match. `root` was fetched already, by the wish's tag or digest. Uses up to `threads` threads.
void walk_image(Source& source, const ImageWish& wish, const FetchedManifest& root, const WalkHooks& hooks,
                std::size_t threads);

}  // namespace airlock::ecosystem::oci
