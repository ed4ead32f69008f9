// Detached OpenPGP signatures, checked by GnuPG's `gpgv`, which does nothing else and has no trust database.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace airlock::ecosystem::tool {

// The packets inside ASCII armour (RFC 9580, 6.2); several armoured blocks are joined. Text without armour is taken as
// binary already. nullopt when the armour is malformed, or holds a private key.
std::optional<std::string> dearmor(std::string_view text);

struct OpenPgpVerdict {
  bool good = false;
  std::string reason;  // why not, printable; or the fingerprint of the key that signed
};

// Whether `signature` (armoured or not) over `data` was made by a key of `public_keys` (armoured or not) that is
// neither expired nor revoked. Throws unsupported, with a hint, when there is no gpgv; malformed when the keys are no
// keys.
OpenPgpVerdict verify_openpgp(std::string_view data, std::string_view signature, std::string_view public_keys);

}  // namespace airlock::ecosystem::tool
