#include "bundle/head_checks.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/layout.hpp"
#include "trust/root_authoring.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::size_t k_own_depth = 10;  // of roots, timestamps and envelopes

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::tampered, why);
}

std::string root_name(std::uint64_t version) {
  return trust::metadata_file_name("root", version);
}

std::set<std::string> expected_metadata(const Head& head, const trust::TrustedSet& trusted) {
  std::set<std::string> names = {trust::metadata_file_name("snapshot", trusted.snapshot.version),
                                 trust::metadata_file_name("targets", trusted.targets.version)};
  if (trusted.timestamp.version > 0) {
    names.insert("timestamp.json");
  }
  for (const auto& [name, role] : trusted.delegated) {
    names.insert(trust::metadata_file_name(name, role.version));
  }
  for (std::uint64_t version = 1; head.metadata(root_name(version)); ++version) {
    names.insert(root_name(version));
  }
  return names;
}

void require_same(const Head& head, const std::string& name, std::string_view trusted_bytes) {
  const auto bytes = head.metadata(name);
  if (!bytes) {
    refuse(fmt::format("'{}' is not in the bundle", name));
  }
  if (*bytes != trusted_bytes) {
    refuse(fmt::format("'{}' differs from the one that is trusted", name));
  }
}

// Signature text that decodes to the same bytes in one spelling only.
bool is_canonical_signature(const std::string& sig, bool hex) {
  if (hex) {
    return base::to_lower(sig) == sig;
  }
  const auto bytes = base::base64_decode(sig);
  return bytes && base::base64_encode(*bytes) == sig;
}

}  // namespace

void check_own_form(std::string_view bytes, std::string_view name, std::size_t limit) {
  const Json json = base::parse_json(bytes, name, {.bytes = limit, .depth = k_own_depth}, base::Numbers::integers);
  bool own = json.dump(1) + "\n" == bytes;
  const bool hex = json.contains("signed");
  own = own && json.size() == (hex ? 2U : 3U);
  std::string last_keyid;
  for (const Json& signature : base::member(json, "signatures", name)) {
    const std::string keyid = base::string_member(signature, "keyid", name);
    own = own && signature.size() == 2 && keyid > last_keyid &&
          is_canonical_signature(base::string_member(signature, "sig", name), hex);
    last_keyid = keyid;
  }
  if (!hex) {
    const std::string payload = base::string_member(json, "payload", name);
    own = own && is_canonical_signature(payload, false);
  }
  if (!own) {
    refuse(fmt::format("{} is not written as airlock writes it", name));
  }
}

void check_no_idle_signature(std::string_view message, const std::vector<trust::Signature>& signatures,
                             const trust::Root& root, std::string_view name) {
  if (trust::count_signers(message, signatures, root.roles.at("timestamp"), root.keys) != signatures.size()) {
    refuse(fmt::format("{} carries a signature that is not one of the keys of timestamp", name));
  }
}

void check_root_chain(const Head& head, const trust::Root& pinned, std::string_view pinned_bytes) {
  std::optional<trust::Root> last;
  for (std::uint64_t version = 1;; ++version) {
    const std::string name = root_name(version);
    const auto bytes = head.metadata(name);
    if (!bytes) {
      break;
    }
    check_own_form(*bytes, name, trust::k_root_limit);
    const trust::SignedFile file = trust::parse_signed(*bytes, name, trust::k_root_limit);
    if (last) {
      last = trust::verify_next_root(file, *last);
    } else {
      last = trust::parse_root(file);
      if (last->version != 1 || !trust::approvals_of_root(file).complete()) {
        refuse(fmt::format("'{}' is not signed by its own keys", name));
      }
    }
    if (version == pinned.version) {
      const auto own = trust::parse_signed(std::string(pinned_bytes), "root", trust::k_root_limit);
      if (trust::identity(own) != trust::identity(file)) {
        throw Error(ErrorCode::untrusted, fmt::format("'{}' is another root than the one that is pinned here", name));
      }
    }
  }
  if (!last) {
    refuse(fmt::format("'{}' is not in the bundle", root_name(1)));
  }
}

void check_known_roots(const Head& head, const std::vector<std::string>& known) {
  for (const std::string& bytes : known) {
    trust::SignedFile own;
    std::string name;
    try {
      own = trust::parse_signed(bytes, "root", trust::k_root_limit);
      name = root_name(trust::parse_root(own).version);
    } catch (const Error&) {
      continue;  // no root: the chain was proven without it
    }
    const auto other = head.metadata(name);
    if (other && trust::identity(trust::parse_signed(*other, name, trust::k_root_limit)) != trust::identity(own)) {
      throw Error(ErrorCode::equivocation, fmt::format("'{}' says something else than the one accepted here", name));
    }
  }
}

void check_members(const Head& head, const trust::TrustedSet& trusted) {
  const std::set<std::string> expected = expected_metadata(head, trusted);
  for (const std::string& name : head.metadata_names()) {
    if (!expected.contains(name)) {
      refuse(fmt::format("'{}' does not belong to this bundle", name));
    }
  }
  if (trusted.timestamp.version > 0) {
    require_same(head, "timestamp.json", trusted.timestamp_file.bytes);
  }
  require_same(head, trust::metadata_file_name("snapshot", trusted.snapshot.version), trusted.snapshot_file.bytes);
  require_same(head, trust::metadata_file_name("targets", trusted.targets.version), trusted.targets_file.bytes);
  for (const auto& [name, role] : trusted.delegated) {
    require_same(head, trust::metadata_file_name(name, role.version), trusted.delegated_files.at(name).bytes);
  }

  std::set<std::string> targets;
  const auto collect = [&](const trust::Targets& role) {
    for (const auto& [path, file] : role.targets) {
      const auto hash = file.hashes.find("sha256");
      if (hash == file.hashes.end() || !base::Digest::is_sha256_hex(hash->second)) {
        refuse(fmt::format("'{}' is listed without a sha256", base::printable(path)));
      }
      targets.insert(consistent_name(path, base::Digest::parse_sha256_hex(hash->second)));
    }
  };
  collect(trusted.targets);
  for (const auto& [name, role] : trusted.delegated) {
    collect(role);
  }
  for (const std::string& name : head.target_names()) {
    if (!targets.contains(name)) {
      refuse(fmt::format("'{}' is in the bundle, but not listed", base::printable(name)));
    }
    targets.erase(name);
  }
  if (!targets.empty()) {
    refuse(fmt::format("'{}' is listed, but not in the bundle", base::printable(*targets.begin())));
  }
}

void check_timestamp_version(const trust::TrustedSet& trusted) {
  const std::uint64_t snapshot = trusted.snapshot.version;
  if (is_timestamp_version(trusted.timestamp.version, snapshot)) {
    return;
  }
  throw Error(ErrorCode::untrusted,
              fmt::format("the timestamp has version {}, and those of snapshot version {} go from {} to {}",
                          trusted.timestamp.version, snapshot, snapshot * k_timestamps_per_snapshot,
                          (snapshot + 1) * k_timestamps_per_snapshot - 1))
      .with_hint("no airlock signs that: somebody else may have the timestamp key, and could make every later bundle "
                 "look old; call security, and ask the producer");
}

void check_delegations(const trust::TrustedSet& trusted) {
  std::set<std::string> names;
  for (const trust::DelegatedRole& role : trusted.targets.roles) {
    const std::vector<std::string> paths = {role.name + "/*", role.name + "/*/*", role.name + "/*/*/*"};
    if (!is_ecosystem_name(role.name) || !role.terminating || role.paths != paths || !role.path_hash_prefixes.empty()) {
      throw Error(ErrorCode::untrusted,
                  fmt::format("role '{}' is not delegated as an ecosystem is", base::printable(role.name, 60)));
    }
    names.insert(role.name + ".json");
  }
  names.insert("targets.json");
  for (const auto& [name, role] : trusted.delegated) {
    if (!role.roles.empty()) {
      throw Error(ErrorCode::untrusted, fmt::format("role '{}' delegates further", base::printable(name, 60)));
    }
  }
  for (const auto& [name, meta] : trusted.snapshot.meta) {
    if (!names.contains(name)) {
      refuse(fmt::format("snapshot lists '{}', which no role delegates to", base::printable(name, 60)));
    }
  }
}

void check_hint(const Head& head, const Descriptor& descriptor, const Shipment& shipment) {
  const Hint expected =
      head_hint(descriptor.channel, descriptor.serial, shipment.number, descriptor.created, shipment.volumes.size());
  if (head.hint_text() != to_text(expected)) {
    refuse(fmt::format("'{}' does not say what is signed", k_hint_member));
  }
}

}  // namespace airlock::bundle
