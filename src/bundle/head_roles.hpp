// Snapshot, targets and ecosystems of a head under a root, for whoever looks at one that may not be sealed yet. For
// the files of this folder only.
#pragma once

#include "bundle/head.hpp"
#include "trust/client.hpp"

namespace airlock::bundle {

// The newest root in the head, whose chain is whole; nothing says yet that anybody trusts it. Throws tampered,
// malformed.
trust::SignedFile newest_root_file(const Head& head);

// Every role that snapshot lists is there with that hash, signed by those whom `root` and targets name, and of one
// channel. What is not asked: who signed snapshot, what has expired. Throws tampered, untrusted, foreign, malformed.
trust::TrustedSet read_roles(const Head& head, trust::SignedFile root_file, trust::Root root);

}  // namespace airlock::bundle
