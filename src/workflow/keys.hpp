// The signing set of a home: making it, showing it, and opening it to sign (docs: keys/ in home.hpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/reporter.hpp"
#include "base/secret.hpp"
#include "bundle/authoring.hpp"
#include "trust/key.hpp"
#include "trust/public_key_file.hpp"
#include "trust/root_authoring.hpp"
#include "workflow/home.hpp"
#include "workflow/pending_root.hpp"

namespace airlock::workflow {

struct KeysInitOptions {
  std::string name;                               // who signs, for people; empty: "airlock"
  std::uint64_t threshold = 1;                    // of root and snapshot; that many keys are made for each of the two
  trust::Scheme scheme = trust::Scheme::ed25519;  // ecdsa_p256 with --fips
  trust::Cadence cadence = trust::Cadence::monthly;
  std::optional<base::Secret> passphrase;  // none: the key files are not encrypted
  std::filesystem::path root_key_folder;   // where root's private keys go instead; empty: with the others
  // Keys of people who made their own, for root and snapshot: none are made here then. With root's, the first root
  // waits for their signatures (pending_root.hpp).
  std::map<std::string, std::vector<trust::PublicKeyFile>> holders;
};

struct KeysInitReport {
  std::string fingerprint;     // hex
  std::filesystem::path root;  // the public root, to hand over
  std::vector<std::filesystem::path> private_keys;
  std::string expires;  // RFC 3339, of the root
  bool encrypted = false;
  std::optional<RootProgress> pending;  // the first root, while root's holders have not signed it
};

// Makes keys and the first root, all or nothing. Throws conflict when the home has a signing set, or a root key file is
// in the way; usage for a threshold of 0 or above 9, or above the number of keys that were given.
KeysInitReport init_keys(const Home& home, const KeysInitOptions& options, const base::Clock& clock);

bool has_keys(const Home& home);
bool has_private_keys(const Home& home);  // of any role
// Whether a passphrase will be needed to open the set.
bool keys_are_encrypted(const Home& home);

// The chain of roots of this home, oldest first, as files. Throws config (with the command that makes them) when there
// are none.
std::vector<std::string> read_own_roots(const Home& home);

struct KeyInfo {
  std::string role;
  std::string keyid;  // hex
  std::string scheme;
  std::filesystem::path file;        // of the private key; empty where it is not here
  std::vector<std::string> command;  // that signs with it, in place of a file
  bool encrypted = false;
};
struct KeysReport {
  std::string name;
  std::string fingerprint;  // hex, of the newest root
  std::uint64_t root_version = 0;
  base::Time expires{};
  std::string cadence;
  std::map<std::string, std::uint64_t> thresholds;  // by role
  std::vector<KeyInfo> keys;                        // sorted by role, keyid
  bool one_home_approves = false;                   // see the function of that name
  std::optional<RootProgress> pending;              // the next root, while it lacks signatures
  struct Channel {
    std::string name;
    std::uint64_t serial = 0;                   // of the last state
    std::map<std::string, base::Time> expires;  // of its snapshot, targets and timestamp
  };
  std::vector<Channel> channels;  // those that this home writes
};
// What the newest root says, and which private keys are here; the second with the channels.
KeysReport keys_in_force(const Home& home);
KeysReport show_keys(const Home& home);
// Several people must approve, and the private keys of that many lie in this one home: whoever uses it approves for
// all.
bool one_home_approves(const Home& home);
inline constexpr std::string_view k_one_home_approves =
    "this home holds the private keys of as many approvers as must approve, so that is one person's word, whatever the "
    "count says; move each snapshot key to its person, or put one of theirs in its place: airlock keys rotate snapshot "
    "--replace KEYID --key PUBLIC";

// Whether less than a quarter of a root's lifetime is left: its renewal may take several people.
bool root_ends_soon(base::Time expires, base::Time now);

// The signers whose private keys are in the home, or reached from it by a command, for the roles that a bundle needs
// (root's own are not opened).
class KeyRing {
 public:
  // Throws config when there is no set, auth for a wrong or missing passphrase, untrusted for a key file that others
  // can read or that is not the root's. `show` is given what commands of the user's write to stderr; may be empty.
  KeyRing(const Home& home, const std::optional<base::Secret>& passphrase,
          const std::function<void(std::string_view)>& show = {});

  bundle::SigningSet signing_set() const;  // borrows the signers: the ring outlives it
  const std::vector<std::string>& roots() const { return m_roots; }
  // Whether states can be signed: throws expired when the newest root is, config when no key of targets is here. Warns
  // when the root ends soon.
  void require_ready(base::Time now, base::Reporter& reporter) const;

 private:
  std::vector<std::string> m_roots;
  std::string m_cadence;
  std::map<std::string, std::vector<std::unique_ptr<trust::Signer>>> m_signers;  // by role
};

// The newest public root, written to `path` for a site's first time. An existing file is kept: throws conflict, unless
// it holds the same. Returns its fingerprint, hex.
std::string export_root(const Home& home, const std::filesystem::path& path);

}  // namespace airlock::workflow
