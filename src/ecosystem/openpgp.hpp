// Detached OpenPGP signatures, checked by GnuPG's `gpgv`, which does nothing else and has no trust database.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace airlock::ecosystem {

// The packets inside ASCII armour (RFC 9580, 6.2); several armoured blocks are joined. Text without armour is taken as
// binary already. nullopt when the armour is malformed, or holds a private key.
std::optional<std::string> dearmor(std::string_view text);

struct OpenPgpVerdict {
  bool good = false;
  std::string reason;  // why not, printable; or the fingerprint of the key that signed
  // Of every key that made a good signature, and of the primary key that it belongs to; upper-case hex.
  std::vector<std::string> fingerprints;
};

// 40 or 64 upper-case hex digits of what people write, spaces and colons between them left out; nullopt for anything
// shorter: a key id is no fingerprint.
std::optional<std::string> parse_fingerprint(std::string_view text);

// What gpgv says on its status descriptor (GnuPG, doc/DETAILS). A file may hold signatures by several keys; one good
// one will do, as long as none is wrong. The exit code says less: it is 0 for a revoked key.
OpenPgpVerdict read_gpgv_status(std::string_view status);

// Whether `signature` (armoured or not) over `data` was made by a key of `public_keys` (armoured or not) that is
// neither expired nor revoked. Throws unsupported, with a hint, when there is no gpgv; malformed when the keys are no
// keys.
OpenPgpVerdict verify_openpgp(std::string_view data, std::string_view signature, std::string_view public_keys);

}  // namespace airlock::ecosystem
