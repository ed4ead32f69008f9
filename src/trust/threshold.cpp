// The one place where signatures are counted (TUF 1.0.34, section 5.3.4 and wherever it says "threshold").
#include <algorithm>
#include <iterator>

#include "base/error.hpp"
#include "base/text.hpp"
#include "trust/metadata.hpp"

namespace airlock::trust {

namespace {

bool is_among(const PublicKey& key, const std::vector<const PublicKey*>& others) {
  return std::ranges::any_of(others, [&](const PublicKey* other) { return other->same_key(key); });
}

// The keys that a signature may be by: the one it names if the role lists it, or all of the role's.
std::vector<const PublicKey*> candidates(const Signature& signature, const RoleKeys& role,
                                         const std::map<std::string, PublicKey>& keys) {
  std::vector<const PublicKey*> result;
  for (const auto& keyid : role.keyids) {
    const auto found = keys.find(keyid);
    if (found != keys.end() && (signature.keyid.empty() || signature.keyid == keyid)) {
      result.push_back(&found->second);
    }
  }
  return result;
}

}  // namespace

std::vector<std::string> distinct_signers(const std::vector<SignedMessage>& messages, const RoleKeys& role,
                                          const std::map<std::string, PublicKey>& keys) {
  std::vector<const PublicKey*> counted;
  for (const SignedMessage& signed_one : messages) {
    std::size_t tried = 0;
    for (const auto& signature : signed_one.signatures) {
      if (signature.sig.empty() || tried++ >= k_signature_limit) {
        continue;
      }
      for (const PublicKey* const key : candidates(signature, role, keys)) {
        // Whatever its name or encoding, a key counts once.
        if (!is_among(*key, counted) && key->verify(signed_one.message, signature.sig)) {
          counted.push_back(key);
          break;
        }
      }
    }
  }
  std::vector<std::string> keyids;
  std::ranges::transform(counted, std::back_inserter(keyids), [](const PublicKey* key) { return key->keyid(); });
  return keyids;
}

std::size_t count_signers(std::string_view message, const std::vector<Signature>& signatures, const RoleKeys& role,
                          const std::map<std::string, PublicKey>& keys) {
  return distinct_signers({{.message = std::string(message), .signatures = signatures}}, role, keys).size();
}

std::size_t count_signers(const SignedFile& file, const RoleKeys& role, const std::map<std::string, PublicKey>& keys) {
  return count_signers(file.canonical, file.signatures, role, keys);
}

std::size_t count_distinct_keys(const RoleKeys& role, const std::map<std::string, PublicKey>& keys) {
  std::vector<const PublicKey*> counted;
  for (const auto& keyid : role.keyids) {
    const auto found = keys.find(keyid);
    if (found != keys.end() && !is_among(found->second, counted)) {
      counted.push_back(&found->second);
    }
  }
  return counted.size();
}

void require_threshold(const SignedFile& file, std::string_view role_name, const RoleKeys& role,
                       const std::map<std::string, PublicKey>& keys) {
  const std::size_t signers = count_signers(file, role, keys);
  // The parsers refuse a threshold of 0; a role made by hand must not slip through either.
  if (signers < role.threshold || role.threshold == 0) {
    throw base::Error(base::ErrorCode::untrusted, "role '" + base::printable(role_name, 100) + "' is signed by " +
                                                      std::to_string(signers) + " of the " +
                                                      std::to_string(role.threshold) + " keys that are needed");
  }
}

}  // namespace airlock::trust
