#include "bundle/authoring_keys.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "trust/root_authoring.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

trust::Root newest_root(const SigningSet& keys) {
  if (keys.roots.empty()) {
    throw Error(ErrorCode::usage, "there is no trust root to sign under").with_hint("run 'airlock keys init' first");
  }
  return trust::parse_root(trust::parse_signed(keys.roots.back(), "root", trust::k_root_limit));
}

std::vector<const trust::Signer*> signers_of(std::string_view role, const SigningSet& keys) {
  const trust::Root root = newest_root(keys);
  const std::vector<std::string>& listed = root.roles.at(std::string(role)).keyids;
  std::vector<const trust::Signer*> signers;
  if (const auto at_hand = keys.signers.find(std::string(role)); at_hand != keys.signers.end()) {
    std::ranges::copy_if(at_hand->second, std::back_inserter(signers), [&](const trust::Signer* signer) {
      return std::ranges::find(listed, signer->public_key().keyid()) != listed.end();
    });
  }
  return signers;
}

std::chrono::seconds lifetime_of(std::string_view role, const SigningSet& keys) {
  const auto cadence = trust::find_cadence(keys.cadence);
  if (!cadence) {
    throw Error(ErrorCode::config, fmt::format("'{}' is not a cadence", base::printable(keys.cadence)))
        .with_hint("it is weekly, monthly or quarterly");
  }
  return trust::lifetime(role, *cadence);
}

std::string sign_fully(const base::Json& signed_part, std::string_view role, const SigningSet& keys) {
  const trust::Root root = newest_root(keys);
  std::string bytes = trust::sign_role(signed_part, signers_of(role, keys));
  const trust::SignedFile file = trust::parse_signed(bytes, role, trust::k_metadata_ceiling);
  const trust::RoleKeys& wanted = root.roles.at(std::string(role));
  const std::size_t signers = trust::count_signers(file, wanted, root.keys);
  if (signers < wanted.threshold) {
    throw Error(ErrorCode::untrusted, fmt::format("the keys at hand give {} of the {} signatures that role '{}' needs",
                                                  signers, wanted.threshold, role))
        .with_hint("open the key files that the newest root lists for it; 'airlock keys show' names them");
  }
  return bytes;
}

}  // namespace airlock::bundle
