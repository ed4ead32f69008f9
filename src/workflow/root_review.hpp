// What a new root changes, told from its bytes, for the person who is to sign it (docs/operations/keys.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "trust/metadata.hpp"

namespace airlock::workflow {

// `before_file`: the root that it follows, whose fingerprint is told too, since it may have come with the new one;
// nullopt for a first one, or where that is not at hand. `notes` are what whoever made it says, a line each, and stand
// apart from what follows from the bytes.
std::string review_of_root(const trust::SignedFile& file, const std::optional<trust::SignedFile>& before_file,
                           const std::vector<std::string>& notes);
// The same as lines that say only what differs: "snapshot: + 3f9a… ed25519", "root: threshold 1 -> 2".
std::vector<std::string> changes_of_root(const trust::Root& root, const trust::Root& before);

}  // namespace airlock::workflow
