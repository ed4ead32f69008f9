// A new root on its way: made here, signed wherever root's keys lie, and put in force when both the old and the new
// threshold have signed (docs/operations/keys.md, Changes).
//
//   keys/pending/<N>.root.json    the root with the signatures so far
//   keys/pending/<N>.root.tbs     the exact bytes to sign, for `openssl`
//   keys/pending/<N>.review.txt   what it changes, computed from the bytes
//   keys/pending/<N-1>.root.json  the root that it follows, so that the folder can be carried and reviewed as it is
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "trust/root_authoring.hpp"
#include "workflow/home.hpp"
#include "workflow/root_signature.hpp"

namespace airlock::workflow {

struct RootProgress {
  std::uint64_t version = 0;
  bool complete = false;  // it is the newest root of this home now
  bool first = false;     // there is none before it; both counts are of its own keys
  trust::RootApprovals approvals;
  std::vector<RootSigner> signers;  // all that may sign, sorted by keyid
  std::string fingerprint;          // hex
  base::Time expires{};
  std::filesystem::path root;                            // the file; in pending/ while it is not complete
  std::filesystem::path to_sign, review;                 // while it is not complete
  std::vector<std::string> changes;                      // against the root before it (changes_of_root)
  std::vector<std::string> notes;                        // what was said of it
  std::optional<std::string> cadence;                    // of transfers, where it changes with this root
  std::vector<std::filesystem::path> made, moved_aside;  // private keys: new ones, and those that are no longer listed
  std::uint64_t added = 0;                               // signatures, by this call
};

// nullopt when none is pending.
std::optional<RootProgress> pending_root(const Home& home);

// Adds signatures that were made elsewhere: files of trust::DetachedSignature, or raw bytes, which are tried against
// `keyid` (a prefix; empty: against all who may sign). All or none; one that is there already is no error. Throws
// not_found when no root is pending; untrusted for other content, for a key that neither root lists, and for what does
// not verify; conflict for a signature of something other than a root.
RootProgress accept_signatures(const Home& home, const std::vector<std::filesystem::path>& files,
                               const std::string& keyid);

// Drops the pending root; private keys that were made for it are moved aside. Throws not_found when there is none.
RootProgress abandon_root(const Home& home);

// For root_change.cpp and keys.cpp: puts `file` in force when it is fully signed, and `cadence` with it, else leaves it
// pending.
RootProgress store_root(const Home& home, const trust::SignedFile& file, const std::vector<std::string>& notes,
                        const std::optional<std::string>& cadence = std::nullopt);
// Moves private keys aside that no root needs any more, and a pending root that was overtaken. What was interrupted is
// finished by the next call. Returns the keys.
std::vector<std::filesystem::path> tidy_keys(const Home& home);

struct PendingRoot {
  trust::SignedFile file;
  trust::Root root;
  std::vector<std::string> notes;
  std::optional<std::string> cadence;  // that comes into force with it
};
std::optional<PendingRoot> read_pending_root(const Home& home);
// The newest root of this home; nullopt while the first one is pending.
std::optional<trust::Root> newest_own_root(const Home& home);

}  // namespace airlock::workflow
