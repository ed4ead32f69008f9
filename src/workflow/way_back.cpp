#include "workflow/way_back.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "trust/metadata.hpp"
#include "workflow/receipt.hpp"

namespace airlock::workflow {

namespace {

using store::StateDb;

std::uint64_t root_version(const std::string& bytes) {
  return trust::parse_root(trust::parse_signed(bytes, "root.json", trust::k_root_limit)).version;
}

}  // namespace

RootVersions root_versions(const StateDb& state, const store::ChannelKey& key) {
  RootVersions versions;
  if (const auto root = state.role(key, "root")) {
    versions.taken = root_version(*root);
  }
  versions.known = std::max(versions.taken, state.root_floor(key.producer));
  if (const auto roots = state.roots(key.producer); !roots.empty()) {
    versions.known = std::max(versions.known, root_version(roots.back()));
  }
  return versions;
}

std::string bundle_that_helps(const StateDb& state, const store::ChannelKey& key) {
  const auto last = state.last_serial(key).value_or(0);
  const auto stored = state.floor(key);
  const auto floor = stored ? stored->serial : 0;
  if (const auto roots = root_versions(state, key); roots.taken < roots.known) {
    return floor > last ? fmt::format("bundle {} or a newer one", floor)
                        : fmt::format("a bundle that was made under root version {}", roots.known);
  }
  return floor > last ? fmt::format("bundle {} again, or bundle {} or a newer one", last, floor)
                      : fmt::format("bundle {} again, or a newer one", last);
}

std::string way_to_serve(const StateDb& state, const store::Generation& wanted) {
  // What lies above the last serial is a thief's: a person has lowered it since.
  const auto last = state.last_serial(wanted.channel).value_or(0);
  for (const auto& other : state.generations()) {  // newest first
    const bool replaces = other.channel == wanted.channel &&
                          (other.serial > wanted.serial || other.bundle_id == wanted.bundle_id) && other.serial <= last;
    if (replaces && other.id != wanted.id && !other.unproven && missing_blobs(state, other.id).empty()) {
      return fmt::format("`airlock store activate {}` serves bundle {} in its place", other.id, other.serial);
    }
  }
  return fmt::format("import {}, with all that it needs", bundle_that_helps(state, wanted.channel));
}

}  // namespace airlock::workflow
