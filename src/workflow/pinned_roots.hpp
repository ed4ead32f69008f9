// The roots that this site trusts, and which of them a bundle belongs to (docs/formats/trust.md, Repository).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/head.hpp"
#include "store/state_db.hpp"
#include "trust/root_authoring.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// Of a producer, in hex, where a person names it.
inline constexpr std::size_t k_fewest_producer_digits = 8;

struct PinnedRoot {
  std::string bytes;
  std::filesystem::path file;  // where it was read from
  trust::PinnableRoot root;

  // What trust state is kept under: the fingerprint of the pinned root, which is the producer's identity where that is
  // version 1 (docs/formats/trust.md, Repository).
  std::string producer() const { return root.fingerprint.hex(); }
};

// Where a chain of roots begins. The site's policy is not asked about it: that is for the newest root that follows from
// it (trust::Client), or floors could never be raised after a rotation. Throws malformed, untrusted, with the file
// named.
PinnedRoot read_root(const std::filesystem::path& file);
// Those in HOME.pinned_roots(), oldest version first. A file there that is no root is an error, not passed over.
std::vector<PinnedRoot> read_pinned_roots(const Home& home);
// The first root of this home's own signing set; for `verify` on the connected side.
std::optional<PinnedRoot> read_own_root(const Home& home);
// Whether a site that knows a producer by `producer` (hex, or its first digits; empty: any) may mean this home: by the
// fingerprint of any root of its own chain, since a site may pin each of them. True also where it has no root. Throws
// malformed.
bool may_be_own_producer(const Home& home, std::string_view producer);

// The pinned root whose statement stands in the head's chain of roots: a choice only, nothing is proven by it.
const PinnedRoot* find_root_for(const bundle::Head& head, const std::vector<PinnedRoot>& roots);
// Like that, or untrusted with a hint that says which root the bundle wants.
const PinnedRoot& require_root_for(const bundle::Head& head, const std::vector<PinnedRoot>& roots, const Home& home);

// The one that this producer's trust state is kept under; null: this site does not trust it, or no more.
const PinnedRoot* find_producer(const std::vector<PinnedRoot>& roots, std::string_view producer);

// The same root, where it is pinned.
std::optional<PinnedRoot> find_pinned(const Home& home, const PinnedRoot& root);

// The newest root that this site accepted after the pinned one: the pinned one itself where none followed.
trust::SignedFile root_in_force(const PinnedRoot& pinned, const store::StateDb& state);

// What the policy asks of a root that is about to be pinned. Throws untrusted.
void check_for_pinning(const PinnedRoot& root, const trust::Policy& policy);
// Writes it below the configuration folder; `file` of the result says where. Throws conflict when that root, or another
// version of the same chain, is pinned already; untrusted when it is below the policy.
PinnedRoot pin_root(const Home& home, std::string_view bytes, const trust::Policy& policy);

}  // namespace airlock::workflow
