// Opening a home's signing set to make bundles.
#include <fmt/format.h>

#include "base/error.hpp"
#include "workflow/key_store.hpp"
#include "workflow/keys.hpp"

namespace airlock::workflow {

namespace {

const std::vector<std::string> k_bundle_roles = {"snapshot", "targets", "timestamp"};

}  // namespace

bool keys_are_encrypted(const Home& home) {
  if (!has_keys(home)) {
    return false;
  }
  const trust::Root root = parse_own_root(read_own_roots(home).back());
  return any_is_encrypted(reachable_keys(home, {&root}, k_bundle_roles));
}

bool root_ends_soon(base::Time expires, base::Time now) {
  return expires - now < trust::lifetime("root", trust::Cadence::monthly) / 4;
}

KeyRing::KeyRing(const Home& home, const std::optional<base::Secret>& passphrase,
                 const std::function<void(std::string_view)>& show)
    : m_roots(read_own_roots(home)), m_cadence(read_key_settings(home).cadence) {
  const trust::Root root = parse_own_root(m_roots.back());
  std::vector<trust::Root> earlier;
  for (std::size_t i = 0; i + 1 < m_roots.size(); ++i) {
    earlier.push_back(parse_own_root(m_roots[i]));
  }
  for (OpenKey& key : open_keys(reachable_keys(home, {&root}, k_bundle_roles), {&root}, passphrase, show, earlier)) {
    m_signers[key.role].push_back(std::move(key.signer));
  }
}

bundle::SigningSet KeyRing::signing_set() const {
  bundle::SigningSet set;
  set.roots = m_roots;
  set.cadence = m_cadence;
  for (const auto& [role, signers] : m_signers) {
    for (const auto& signer : signers) {
      set.signers[role].push_back(signer.get());
    }
  }
  return set;
}

void KeyRing::require_ready(base::Time now, base::Reporter& reporter) const {
  using base::Error;
  using base::ErrorCode;
  const trust::Root root = parse_own_root(m_roots.back());
  if (root.expires <= now) {
    throw Error(ErrorCode::expired, fmt::format("root version {} of this home expired on {}, and no site would take a "
                                                "bundle under it",
                                                root.version, base::to_rfc3339(root.expires)))
        .with_hint("`airlock keys renew` makes the next one; the bundle after that brings it to every site");
  }
  if (root_ends_soon(root.expires, now)) {
    reporter.warning(fmt::format("the root of this home expires on {}; renew it soon: airlock keys renew",
                                 base::to_rfc3339(root.expires)));
  }
  if (!m_signers.contains("targets")) {
    throw Error(ErrorCode::config, "no private key of role 'targets' is in this home, and no command reaches one")
        .with_hint("put it back into keys/, under a name that begins with its role, such as targets-2.pem; or let "
                   "`airlock keys rotate targets` put a new one in its place");
  }
}

}  // namespace airlock::workflow
