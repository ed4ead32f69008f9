// DSSE envelopes (secure-systems-lab DSSE v1): signatures over a payload and its type.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "trust/key.hpp"
#include "trust/metadata.hpp"

namespace airlock::trust {

// Pre-authentication encoding: what is signed.
std::string dsse_pae(std::string_view payload_type, std::string_view payload);

std::string sign_envelope(std::string_view payload_type, std::string_view payload,
                          const std::vector<const Signer*>& signers);

struct Envelope {
  std::string payload_type;
  std::string payload;  // decoded once; the very bytes that signatures are over
  std::vector<Signature> signatures;
};
Envelope parse_envelope(std::string_view bytes, std::string_view name, std::size_t limit);
// The payload, when enough distinct keys of `role` signed it as `payload_type`; throws untrusted, malformed.
std::string open_envelope(std::string_view bytes, std::string_view payload_type, std::string_view name,
                          const RoleKeys& role, const std::map<std::string, PublicKey>& keys, std::size_t limit);

}  // namespace airlock::trust
