// What opens root's keys for a change of root, and the passphrase of a key that is made for it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "workflow/key_store.hpp"

namespace airlock::workflow {

struct NewKeyPassphrase {
  std::optional<base::Secret> secret;  // none: the key is not encrypted
};

struct RootAccess {
  // Of the home's keys, and of one that is made here: a new key is encrypted just where the home's others are.
  std::optional<base::Secret> passphrase;
  std::optional<base::Secret> root_passphrase;   // of root_keys; none: the same
  std::vector<std::filesystem::path> root_keys;  // files of root's private keys that are not in the home, or folders
  ShowText show;                                 // what commands write to stderr; may be empty
  bool amend = false;                            // drop what others have signed of a pending root
  std::optional<std::string> cadence;            // from that root on; for lifetimes of what is signed under it
  // Of a key that is made here, where it does not take that of the home's others: the home holds no private key, theirs
  // is forgotten, or it is to have none. Without `passphrase`, what is encrypted in the home stays closed then.
  std::optional<NewKeyPassphrase> new_key;
};

// Files as they are named; of a folder, those named like root's keys. Sorted. Throws not_found for a folder without
// any.
std::vector<std::filesystem::path> root_key_files(const std::vector<std::filesystem::path>& named);
bool any_root_key_is_encrypted(const std::vector<std::filesystem::path>& named);

// The passphrase of a key that takes the place of `replaced` in a home with these private keys: that of the others,
// which has to open one of them, or of the replaced one where it stands alone; nullopt where they have none. Throws
// auth.
std::optional<base::Secret> passphrase_for_new_key(const std::vector<ReachableKey>& keys, const std::string& replaced,
                                                   const RootAccess& access);

}  // namespace airlock::workflow
