#include "trust/dsse.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;

[[noreturn]] void refuse_envelope(std::string_view name, const std::string& why) {
  throw Error(ErrorCode::malformed, std::string(name) + ": " + why);
}

std::string decoded_member(const base::Json& object, std::string_view key, std::string_view name) {
  auto value = base::base64_decode(base::string_member(object, key, name));
  if (!value) {
    refuse_envelope(name, "`" + std::string(key) + "` is not base64");
  }
  return std::move(*value);
}

}  // namespace

std::string dsse_pae(std::string_view payload_type, std::string_view payload) {
  std::string text = "DSSEv1 ";
  text += std::to_string(payload_type.size()) + " ";
  text += payload_type;
  text += " " + std::to_string(payload.size()) + " ";
  text += payload;
  return text;
}

std::string sign_envelope(std::string_view payload_type, std::string_view payload,
                          const std::vector<const Signer*>& signers) {
  const std::string message = dsse_pae(payload_type, payload);
  std::map<std::string, std::string> by_keyid;  // so that the order of signers does not show
  for (const Signer* const signer : signers) {
    by_keyid.try_emplace(signer->public_key().keyid(), base::base64_encode(signer->sign(message)));
  }
  base::Json signatures = base::Json::array();
  for (const auto& [keyid, sig] : by_keyid) {
    signatures.push_back({{"keyid", keyid}, {"sig", sig}});
  }
  const base::Json envelope = {
      {"payload", base::base64_encode(payload)}, {"payloadType", payload_type}, {"signatures", std::move(signatures)}};
  return envelope.dump(1) + "\n";
}

Envelope parse_envelope(std::string_view bytes, std::string_view name, std::size_t limit) {
  const base::Json json = base::parse_json(bytes, name, {.bytes = limit}, base::Numbers::integers);
  Envelope envelope;
  envelope.payload_type = base::string_member(json, "payloadType", name);
  envelope.payload = decoded_member(json, "payload", name);
  const base::Json& signatures = base::member(json, "signatures", name);
  if (!signatures.is_array()) {
    refuse_envelope(name, "`signatures` is not an array");
  }
  if (signatures.size() > k_signature_limit) {
    throw Error(ErrorCode::limit,
                std::string(name) + " has more than " + std::to_string(k_signature_limit) + " signatures");
  }
  std::set<std::string> seen;
  for (const auto& entry : signatures) {
    Signature signature{base::string_member_or(entry, "keyid", "", name), decoded_member(entry, "sig", name)};
    if (!signature.keyid.empty() && !seen.insert(signature.keyid).second) {
      refuse_envelope(name, "a keyid stands twice in `signatures`");
    }
    envelope.signatures.push_back(std::move(signature));
  }
  return envelope;
}

std::string open_envelope(std::string_view bytes, std::string_view payload_type, std::string_view name,
                          const RoleKeys& role, const std::map<std::string, PublicKey>& keys, std::size_t limit) {
  Envelope envelope = parse_envelope(bytes, name, limit);
  if (envelope.payload_type != payload_type) {
    throw Error(ErrorCode::untrusted, std::string(name) + " holds a payload of type '" +
                                          base::printable(envelope.payload_type, 100) + "', not '" +
                                          std::string(payload_type) + "'");
  }
  // The keyid is a hint that nothing protects: an unknown one must not hide a good signature.
  for (auto& signature : envelope.signatures) {
    if (std::ranges::find(role.keyids, signature.keyid) == role.keyids.end()) {
      signature.keyid.clear();
    }
  }
  const std::string message = dsse_pae(payload_type, envelope.payload);
  const std::size_t signers = count_signers(message, envelope.signatures, role, keys);
  if (signers < role.threshold || role.threshold == 0) {
    throw Error(ErrorCode::untrusted, std::string(name) + " is signed by " + std::to_string(signers) + " of the " +
                                          std::to_string(role.threshold) + " keys that are needed");
  }
  return std::move(envelope.payload);
}

}  // namespace airlock::trust
