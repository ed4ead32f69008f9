// What lies in HOME/keys, and how each private key is reached. For the files of this folder that work with keys.
//
//   <N>.root.json         the chain of roots; writing the next one is the moment when a change of keys holds
//   <N>.review.txt        what that root changed, and why
//   <role>.pem, <role>-2.pem, …   private keys that are here
//   keys.json             name, cadence; keyid -> file, or the command that signs with it
//   pending/              a root that lacks signatures (pending_root.hpp)
//   retired/              private keys that the newest root no longer lists: moved aside, never deleted
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

#include "base/secret.hpp"
#include "trust/command_signer.hpp"
#include "trust/metadata.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// How the private half of a key is reached: a file below keys/, or a command.
struct KeyPlace {
  std::string file;
  std::optional<trust::SignerCommand> command;
};

struct KeySettings {
  std::string name;
  std::string cadence = "monthly";
  std::optional<trust::Scheme> scheme;     // of keys that are made here; none: that of the key in whose place one comes
  std::map<std::string, KeyPlace> places;  // by keyid, since a file tells its own only when it is opened
};

KeySettings read_key_settings(const Home& home);  // throws malformed
void write_key_settings(const Home& home, const KeySettings& settings);
std::string to_text(const KeySettings& settings);

// The files of the chain of roots, oldest first. Versions that are no plain number are passed over.
std::vector<std::filesystem::path> own_root_files(const Home& home);
trust::SignedFile parse_own_root_file(const std::string& bytes);
trust::Root parse_own_root(const std::string& bytes);

// "snapshot.pem", "snapshot-2.pem"
std::string key_file_name(std::string_view role, std::uint64_t number);
// The first of those that is free, on disk and in the settings.
std::string free_key_file_name(const Home& home, const KeySettings& settings, std::string_view role);

struct ReachableKey {
  std::string role;
  std::string keyid;           // empty for a file that keys.json does not name
  std::filesystem::path file;  // empty with a command
  std::optional<trust::SignerCommand> command;
};
// The private keys that can be used from here for `roles` of these roots: those of keys.json that one of the roots
// lists, and further files named like the role. What keys.json names and no root lists is on its way in or out.
std::vector<ReachableKey> reachable_keys(const Home& home, const std::vector<const trust::Root*>& roots,
                                         const std::vector<std::string>& roles);
bool any_is_encrypted(const std::vector<ReachableKey>& keys);

using ShowText = std::function<void(std::string_view)>;

struct OpenKey {
  std::string role;
  std::unique_ptr<trust::Signer> signer;
};
// Opens them, all at the same time, because deriving a key from a passphrase takes long on purpose. Throws auth,
// untrusted for a file that others can read or whose key none of the roots lists for its role; one that keys.json does
// not name and a root of `earlier` listed is passed over: it was replaced or revoked. `show` is given what commands
// write to stderr.
std::vector<OpenKey> open_keys(const std::vector<ReachableKey>& keys, const std::vector<const trust::Root*>& roots,
                               const std::optional<base::Secret>& passphrase, const ShowText& show,
                               const std::vector<trust::Root>& earlier = {});

// The key of that id in one of the roots; nullptr where none has it.
const trust::PublicKey* find_key(const std::vector<const trust::Root*>& roots, const std::string& keyid);

}  // namespace airlock::workflow
