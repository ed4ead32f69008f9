// The envelope of every TUF file (TUF 1.0.34, section 4.2.1), read and written.
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "trust/canonical.hpp"
#include "trust/metadata.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;

constexpr std::size_t k_depth_limit = 32;

Json parse_file(std::string_view bytes, std::string_view name, std::size_t limit) {
  return base::parse_json(bytes, name, {.bytes = limit, .depth = k_depth_limit}, base::Numbers::integers);
}

Json to_json(const PublicKey& key, std::string_view signature) {
  return {{"keyid", key.keyid()},
          {"sig", base::to_hex({reinterpret_cast<const std::uint8_t*>(signature.data()), signature.size()})}};
}

// Signature objects by keyid, and so in one order whoever signed first.
using Signatures = std::map<std::string, Json>;

// One text for one content, a line for each member, so that people can read and compare it.
std::string print(Signatures signatures, const Json& signed_part) {
  Json list = Json::array();
  for (auto& [keyid, signature] : signatures) {
    list.push_back(std::move(signature));
  }
  const Json file = {{"signatures", std::move(list)}, {"signed", signed_part}};
  return file.dump(1) + "\n";
}

}  // namespace

SignedFile parse_signed(std::string bytes, std::string_view name, std::size_t limit) {
  if (bytes.size() > limit) {
    throw Error(ErrorCode::limit, std::string(name) + " has " + std::to_string(bytes.size()) +
                                      " bytes, more than the " + std::to_string(limit) + " that are accepted");
  }
  SignedFile file;
  Json json = parse_file(bytes, name, limit);
  if (!base::member(json, "signed", name).is_object() || !base::member(json, "signatures", name).is_array()) {
    throw Error(ErrorCode::malformed, std::string(name) + " is not an object of `signed` and `signatures`");
  }
  const Json& signatures = json["signatures"];
  if (signatures.size() > k_signature_limit) {
    throw Error(ErrorCode::limit, std::string(name) + " has " + std::to_string(signatures.size()) +
                                      " signatures, more than the " + std::to_string(k_signature_limit) +
                                      " that are accepted");
  }
  std::set<std::string> seen;
  for (const auto& entry : signatures) {
    Signature signature;
    signature.keyid = base::string_member(entry, "keyid", name);
    // Empty strings stand for signers who have not signed yet; neither they nor unreadable ones spoil the
    // others.
    signature.sig = base::from_hex(base::string_member(entry, "sig", name)).value_or("");
    if (signature.keyid.empty() || !seen.insert(signature.keyid).second) {
      throw Error(ErrorCode::malformed, std::string(name) + " has an empty or repeated keyid in `signatures`");
    }
    file.signatures.push_back(std::move(signature));
  }
  file.signed_part = std::move(json["signed"]);
  file.canonical = canonical_json(file.signed_part);
  file.bytes = std::move(bytes);
  return file;
}

std::string sign_role(const Json& signed_part, const std::vector<const Signer*>& signers) {
  const std::string canonical = canonical_json(signed_part);
  Signatures signatures;
  for (const Signer* const signer : signers) {
    const PublicKey& key = signer->public_key();
    if (!signatures.contains(key.keyid())) {
      signatures.emplace(key.keyid(), to_json(key, signer->sign(canonical)));
    }
  }
  return print(std::move(signatures), signed_part);
}

std::string add_signature(const SignedFile& file, const Signer& signer) {
  return add_signature(file, signer.public_key(), signer.sign(file.canonical));
}

std::string add_signature(const SignedFile& file, const PublicKey& key, std::string_view signature) {
  if (!key.verify(file.canonical, signature)) {
    throw Error(ErrorCode::untrusted, "the signature is not by key " + key.keyid() + " over this content");
  }
  // From the bytes, not from the values: what others wrote beside their signatures stays.
  const Json json = parse_file(file.bytes, "the signed file", k_metadata_ceiling);
  Signatures signatures;
  for (const auto& entry : base::member(json, "signatures", "the signed file")) {
    signatures.emplace(base::string_member(entry, "keyid", "the signed file"), entry);
  }
  signatures.insert_or_assign(key.keyid(), to_json(key, signature));
  return print(std::move(signatures), file.signed_part);
}

base::Digest identity(const SignedFile& file) {
  return base::sha256(file.canonical);
}

}  // namespace airlock::trust
