// The TUF roles as values (TUF 1.0.34, section 4), read strictly and written deterministically.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/json.hpp"
#include "trust/key.hpp"

namespace airlock::trust {

inline constexpr std::string_view k_spec_version = "1.0.34";
inline constexpr std::size_t k_root_limit = 512'000;           // bytes
inline constexpr std::size_t k_timestamp_limit = 16'384;       // bytes
inline constexpr std::size_t k_snapshot_limit = 2'000'000;     // bytes, where no length is given
inline constexpr std::size_t k_targets_limit = 5'000'000;      // bytes, where no length is given
inline constexpr std::size_t k_metadata_ceiling = 256u << 20;  // bytes, even where a length is given
inline constexpr std::size_t k_signature_limit = 64;           // signatures in one file
inline constexpr std::size_t k_key_limit = 256;                // keys in one root or delegation
inline constexpr std::size_t k_role_limit = 1'024;             // roles in one snapshot

struct Signature {
  std::string keyid;
  std::string sig;  // raw bytes; empty where the file held an empty or unreadable string
};

// A signed file: the bytes received (what hashes and lengths are over) and what they say.
struct SignedFile {
  std::string bytes;
  base::Json signed_part;
  std::string canonical;  // of signed_part; what signatures are over
  std::vector<Signature> signatures;
};

// Throws malformed (docs/formats/trust.md, Metaformat), limit; a keyid that stands twice in `signatures` is malformed.
SignedFile parse_signed(std::string bytes, std::string_view name, std::size_t limit);

struct RoleKeys {
  std::vector<std::string> keyids;
  std::uint64_t threshold = 1;
};

// What all roles have. `channel` is airlock's own member, empty in foreign repositories.
struct RoleCommon {
  std::uint64_t version = 0;
  base::Time expires{};
  std::string channel;
};

struct Root : RoleCommon {
  std::map<std::string, PublicKey> keys;  // by keyid
  std::map<std::string, RoleKeys> roles;  // root, timestamp, snapshot, targets
  bool consistent_snapshot = true;
};

struct MetaFile {
  std::uint64_t version = 0;
  std::optional<std::uint64_t> length;
  std::map<std::string, std::string> hashes;  // algorithm -> hex; unknown algorithms kept
};

struct Timestamp : RoleCommon {
  MetaFile snapshot;
};

struct Snapshot : RoleCommon {
  std::map<std::string, MetaFile> meta;  // "targets.json", "oci.json", …
};

struct TargetFile {
  std::uint64_t length = 0;
  std::map<std::string, std::string> hashes;
  base::Json custom;
};

struct DelegatedRole {
  std::string name;
  RoleKeys keys;
  bool terminating = false;
  std::vector<std::string> paths;  // globs; `*` does not cross "/"
  std::vector<std::string> path_hash_prefixes;
};

struct Targets : RoleCommon {
  std::map<std::string, TargetFile> targets;
  std::map<std::string, PublicKey> delegation_keys;
  std::vector<DelegatedRole> roles;  // in order of appearance
};

// Each throws malformed on a wrong `_type` or shape and on thresholds below 1, unsupported on a specification
// other than 1.x. Roles that carry a channel are airlock's own and must keep its narrower forms: `expires` in
// plain UTC, role names in `[a-z][a-z0-9-]{0,31}`, target paths in `[A-Za-z0-9._+~/@-]`.
// `KeyidCheck::tolerate` is for foreign repositories only: it accepts keyids that are not the hash of their
// key, KeyForms::foreign, role keyids without a key, and leaves out keys of schemes that are not known.
enum class KeyidCheck { enforce, tolerate };
Root parse_root(const SignedFile& file, KeyidCheck check = KeyidCheck::enforce);
Timestamp parse_timestamp(const SignedFile& file);
Snapshot parse_snapshot(const SignedFile& file);
Targets parse_targets(const SignedFile& file, KeyidCheck check = KeyidCheck::enforce);

// The one place where a threshold is counted: distinct keys (PublicKey::same_key) that are listed for the
// role and whose signature over its message verifies. Returns their keyids, in the order in which they were
// met; at most k_signature_limit signatures of a message are tried. A signature without a keyid is tried
// against every key of the role.
struct SignedMessage {
  std::string message;
  std::vector<Signature> signatures;
};
std::vector<std::string> distinct_signers(const std::vector<SignedMessage>& messages, const RoleKeys& role,
                                          const std::map<std::string, PublicKey>& keys);
// How many there are for one message: a file's canonical form, or what is signed in another envelope.
std::size_t count_signers(const SignedFile& file, const RoleKeys& role, const std::map<std::string, PublicKey>& keys);
std::size_t count_signers(std::string_view message, const std::vector<Signature>& signatures, const RoleKeys& role,
                          const std::map<std::string, PublicKey>& keys);
// How many different keys the role has (PublicKey::same_key); a threshold above it can never be met.
std::size_t count_distinct_keys(const RoleKeys& role, const std::map<std::string, PublicKey>& keys);
// Throws untrusted naming the role, how many of how many signed.
void require_threshold(const SignedFile& file, std::string_view role_name, const RoleKeys& role,
                       const std::map<std::string, PublicKey>& keys);

// Writing: the `signed` part from a value, and the whole file with signatures by `signers` (none: a draft).
base::Json to_signed_part(const Root& role);
base::Json to_signed_part(const Timestamp& role);
base::Json to_signed_part(const Snapshot& role);
base::Json to_signed_part(const Targets& role);
std::string sign_role(const base::Json& signed_part, const std::vector<const Signer*>& signers);
// The same file with one more signature, or one replaced; the signed part does not change.
std::string add_signature(const SignedFile& file, const Signer& signer);
// The same with a signature made elsewhere over `file.canonical`, by `openssl` for example. Throws untrusted
// when `signature` (raw bytes) is not by `key` over it.
std::string add_signature(const SignedFile& file, const PublicKey& key, std::string_view signature);

// What a parent says of a file of these bytes: length and sha256.
MetaFile describe(std::string_view bytes, std::uint64_t version);
TargetFile describe_target(std::string_view bytes);
bool matches(const MetaFile& meta, std::string_view bytes);  // length and every known hash, at least one known
bool matches(const TargetFile& target, std::string_view bytes);
// Every known hash (sha256, sha512) is that of `bytes`, and at least one is known.
bool hashes_match(const std::map<std::string, std::string>& hashes, std::string_view bytes);

// The name of a role's file: percent-encoded outside `[A-Za-z0-9_.~-]`, so that no role name is ever a path.
// "7.oci.json", or without a version "timestamp.json".
std::string metadata_file_name(std::string_view role, std::optional<std::uint64_t> version);
// `delegated` lists `path` in its own terms: by pattern or by prefix of the path's sha256.
bool delegates(const DelegatedRole& delegated, std::string_view path);
bool is_top_level_role(std::string_view name);  // root, timestamp, snapshot, targets
// `[a-z0-9][a-z0-9-]{0,62}`
bool is_channel_name(std::string_view name);

// SHA-256 of the canonical `signed` part (docs/formats/trust.md, Repository): fingerprint of a root, bundle id of a
// snapshot.
base::Digest identity(const SignedFile& file);

}  // namespace airlock::trust
