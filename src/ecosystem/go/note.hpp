// Signed notes (golang.org/x/mod/sumdb/note): a text, and signatures of those whom one may know. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace airlock::ecosystem::go {

struct VerifierKey {
  std::string name;  // of the checksum database, "sum.site.example"
  std::uint32_t hash = 0;
  std::string ed25519;  // 32 bytes
};
// "NAME+HASH+KEY" of algorithm Ed25519, whose hash is that of name and key; nullopt for anything else.
std::optional<VerifierKey> parse_verifier_key(std::string_view text);

// The text of `note`, its last line break included, if `key` signed it. Throws malformed when it is no signed note,
// untrusted when no valid signature is by `key`. A name that matches with a signature that does not is untrusted.
std::string verified_text(std::string_view note, const VerifierKey& key);

}  // namespace airlock::ecosystem::go
