// Changing who may sign: each change makes root version N+1, signed by the old and the new threshold
// (TUF 1.0.34, 5.3.4; docs/operations/keys.md, Changes). Where root's keys are all at hand it holds at once; else a
// pending root is left.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "trust/command_signer.hpp"
#include "trust/public_key_file.hpp"
#include "workflow/key_store.hpp"
#include "workflow/pending_root.hpp"
#include "workflow/root_access.hpp"

namespace airlock::workflow {

struct RootChange {
  enum class Kind {
    add,        // `key` joins `role`
    rotate,     // `key`, or one that is made here, takes the place of `keyid`
    revoke,     // `keyid` goes
    threshold,  // of `role`, and nothing else
    renew,      // the same keys for another root's lifetime
  };
  Kind kind = Kind::renew;
  std::string role;
  std::optional<trust::PublicKeyFile> key;
  std::string keyid;  // a prefix of 8 digits or more; may be empty with rotate where only one key can be meant
  std::optional<std::uint64_t> threshold;
  std::string reason;                           // for people; kept with the root
  std::optional<trust::SignerCommand> command;  // how the private half of `key` is reached from here
  std::optional<trust::Scheme> scheme;          // of a key that is made here
};

// A change on top of a pending root takes its place. Throws config (no keys), usage (a role or key that is not there, a
// threshold that cannot be met, a key in two roles), conflict (others have signed the pending root already; the key is
// listed), auth, untrusted, and what the command of a key throws. Nothing is changed then.
RootProgress change_root(const Home& home, const RootChange& change, const RootAccess& access,
                         const base::Clock& clock);

// Whether a private key is made here for it.
bool makes_key(const RootChange& change);
// Of a key that is made here: that of the home's others, or what RootAccess::new_key says.
enum class PassphraseOfNewKey { as_the_others, its_own };
// Whether a passphrase will be needed: to open a key of root, or because the home's keys have one that a key which is
// made here gets too.
bool root_change_needs_passphrase(const Home& home, const RootChange& change,
                                  const std::vector<std::filesystem::path>& root_keys,
                                  PassphraseOfNewKey of_new_key = PassphraseOfNewKey::as_the_others);

}  // namespace airlock::workflow
