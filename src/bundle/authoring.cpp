#include "bundle/authoring.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/authoring_keys.hpp"
#include "bundle/oci_index.hpp"
#include "bundle/previous_state.hpp"
#include "bundle/state_rows.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

namespace {

// Patterns of a delegated role: its own folder, as deep as any target of it lies (docs/formats/trust.md, Roles).
std::vector<std::string> delegated_paths(const std::string& ecosystem) {
  return {ecosystem + "/*", ecosystem + "/*/*", ecosystem + "/*/*/*"};
}

bool same_targets(const std::map<std::string, trust::TargetFile>& a,
                  const std::map<std::string, trust::TargetFile>& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.length == y.second.length && x.second.hashes == y.second.hashes;
  });
}

class StateAuthor {
 public:
  StateAuthor(const StateInput& input, const SigningSet& keys)
      : m_input(input), m_keys(keys), m_root(newest_root(keys)) {
    if (!is_channel_name(input.lock.channel)) {
      throw Error(ErrorCode::lock,
                  fmt::format("'{}' cannot be the name of a channel", base::printable(input.lock.channel)));
    }
    if (input.serial > k_number_limit) {
      throw Error(ErrorCode::limit, fmt::format("channel '{}' has had all of its serials", input.lock.channel))
          .with_hint("begin a channel of another name");
    }
    if (input.previous) {
      m_previous = read_previous(*input.previous, input.lock.channel);
    }
  }

  AuthoredState run() {
    add_roots();
    add_documents();
    add_delegated();
    add_targets();
    AuthoredState state;
    add_snapshot(state);
    m_head.hint = head_hint(m_input.lock.channel, m_input.serial, 1, m_input.created);
    state.head = std::move(m_head);
    return state;
  }

 private:
  template <typename Role>
  Role new_role(std::string_view role, std::uint64_t version) const {
    Role value;
    value.version = version;
    value.channel = m_input.lock.channel;
    value.expires = m_input.created + lifetime_of(role, m_keys);
    return value;
  }

  void add_roots() {
    for (const std::string& bytes : m_keys.roots) {
      const trust::Root root = trust::parse_root(trust::parse_signed(bytes, "root", trust::k_root_limit));
      m_head.metadata[trust::metadata_file_name("root", root.version)] = bytes;
    }
  }

  // Catalogs and the small documents. The rows are read again exactly as the far side will read them, so that what it
  // would refuse is found here.
  void add_documents() {
    m_head.targets = build_catalogs(m_input.lock);
    std::map<std::string, std::size_t> catalogs;
    for (const auto& [path, text] : m_head.targets) {
      if (const auto name = parse_catalog_target(path)) {
        ++catalogs[name->ecosystem];
      }
    }
    StateRows rows;
    OciIndexBuilder oci_index([](const base::Digest&) { return true; });
    for (const auto& [ecosystem, count] : catalogs) {
      const auto text = [&, e = ecosystem](std::size_t i) { return m_head.targets.at(catalog_target(e, i)); };
      rows.add_ecosystem(ecosystem, count, text, [&, oci = ecosystem == "oci"](const model::FileRow& row) {
        if (oci) {
          oci_index.add(row);
        }
      });
    }
    rows.add_attachments(m_input.attachments);
    m_head.oci_index = oci_index.text();
    m_head.targets[std::string(k_sums_target)] = sums_text(rows.blobs().blobs());
    m_head.targets[std::string(k_attachments_target)] = to_text(m_input.attachments);
    m_head.targets[std::string(k_descriptor_target)] = to_text(make_descriptor(rows));
    std::vector<Revoked> revoked;
    if (m_previous) {  // this list only grows
      revoked = m_previous->revoked;
    }
    revoked.insert(revoked.end(), m_input.revoked.begin(), m_input.revoked.end());
    if (!revoked.empty()) {
      m_head.targets[std::string(k_revoked_target)] = revoked_text(revoked);
    }
  }

  Descriptor make_descriptor(const StateRows& rows) const {
    Descriptor descriptor{.channel = m_input.lock.channel,
                          .serial = m_input.serial,
                          .created = m_input.created,
                          .request = m_input.lock.request,
                          .rows = {},
                          .platforms = m_input.lock.platforms,
                          .waivers = m_input.lock.waivers,
                          .tool = "airlock " AIRLOCK_VERSION};
    rows.count_into(descriptor);
    if (m_previous) {
      descriptor.previous = m_previous->bundle_id;
    }
    return descriptor;
  }

  // An ecosystem that the last state had keeps its role, if need be an empty one: a role that vanishes from snapshot is
  // what an attack looks like to a client (TUF 1.0.34, 5.5.5).
  void add_delegated() {
    std::map<std::string, std::map<std::string, trust::TargetFile>> roles;
    for (const auto& [path, text] : m_head.targets) {
      if (const auto name = parse_catalog_target(path)) {
        roles[name->ecosystem][path] = trust::describe_target(text);
      }
    }
    if (m_previous) {
      for (const auto& [name, role] : m_previous->delegated) {
        roles[name];
      }
    }
    for (auto& [name, targets] : roles) {
      if (!keep_delegated(name, targets)) {
        add_new_delegated(name, std::move(targets));
      }
      m_delegated.push_back({.name = name,
                             .keys = m_root.roles.at("targets"),
                             .terminating = true,
                             .paths = delegated_paths(name),
                             .path_hash_prefixes = {}});
    }
  }

  // The last head is of another producer: its chain of roots begins with another one.
  bool previous_is_of_another() const {
    const auto first = m_input.previous->metadata.find("1.root.json");
    const auto identity = [](const std::string& bytes) {
      return trust::identity(trust::parse_signed(bytes, "root", trust::k_root_limit));
    };
    return first != m_input.previous->metadata.end() && identity(first->second) != identity(m_keys.roots.front());
  }

  bool keep_delegated(const std::string& name, const std::map<std::string, trust::TargetFile>& targets) {
    if (!m_previous || !m_previous->delegated.contains(name)) {
      return false;
    }
    const PreviousState::Role& role = m_previous->delegated.at(name);
    const trust::RoleKeys& keys = m_root.roles.at("targets");
    const bool long_enough = role.value.expires - m_input.created > lifetime_of(name, m_keys) / 2;
    if (!same_targets(role.value.targets, targets) || !long_enough) {
      return false;
    }
    const bool still_signed = trust::count_signers(role.file, keys, m_root.keys) >= keys.threshold;
    // A second maker signs the first one's statement again; a producer whose keys have changed makes a new one.
    if (!still_signed && !previous_is_of_another()) {
      return false;
    }
    add_metadata(name, role.value.version,
                 still_signed ? role.file.bytes : sign_delegated(name, role.file.signed_part));
    return true;
  }

  void add_new_delegated(const std::string& name, std::map<std::string, trust::TargetFile> targets) {
    const bool known = m_previous && m_previous->delegated.contains(name);
    auto role = new_role<trust::Targets>(name, known ? m_previous->delegated.at(name).value.version + 1 : 1);
    role.targets = std::move(targets);
    add_metadata(name, role.version, sign_delegated(name, trust::to_signed_part(role)));
  }

  // A delegated role's own name is its type in no file: it is a targets role (TUF 1.0.34, 4.5).
  std::string sign_delegated(const std::string& name, const base::Json& signed_part) const {
    return base::with_context([&] { return fmt::format("signing the role of {}", name); },
                              [&] { return sign_fully(signed_part, "targets", m_keys); });
  }

  void add_targets() {
    auto role = new_role<trust::Targets>("targets", m_previous ? m_previous->targets_version + 1 : 1);
    for (const auto& [path, text] : m_head.targets) {
      if (!is_catalog_target(path)) {
        role.targets[path] = trust::describe_target(text);
      }
    }
    role.roles = m_delegated;
    if (!m_delegated.empty()) {
      for (const std::string& keyid : m_root.roles.at("targets").keyids) {
        role.delegation_keys.emplace(keyid, m_root.keys.at(keyid));
      }
    }
    add_metadata("targets", role.version, sign_fully(trust::to_signed_part(role), "targets", m_keys));
  }

  void add_snapshot(AuthoredState& state) {
    auto role = new_role<trust::Snapshot>("snapshot", m_previous ? m_previous->snapshot_version + 1 : 1);
    role.meta = m_meta;
    const std::string bytes = trust::sign_role(trust::to_signed_part(role), signers_of("snapshot", m_keys));
    const trust::SignedFile file = trust::parse_signed(bytes, "snapshot", trust::k_metadata_ceiling);
    const trust::RoleKeys& wanted = m_root.roles.at("snapshot");
    state.approved = trust::count_signers(file, wanted, m_root.keys) >= wanted.threshold;
    state.bundle_id = trust::identity(file).hex();
    m_head.metadata[trust::metadata_file_name("snapshot", role.version)] = bytes;
  }

  void add_metadata(const std::string& role, std::uint64_t version, const std::string& bytes) {
    m_head.metadata[trust::metadata_file_name(role, version)] = bytes;
    m_meta[role + ".json"] = trust::describe(bytes, version);
  }

  const StateInput& m_input;
  const SigningSet& m_keys;
  trust::Root m_root;
  std::optional<PreviousState> m_previous;
  HeadContents m_head;
  std::vector<trust::DelegatedRole> m_delegated;
  std::map<std::string, trust::MetaFile> m_meta;
};

}  // namespace

AuthoredState author_state(const StateInput& input, const SigningSet& keys) {
  return StateAuthor(input, keys).run();
}

}  // namespace airlock::bundle
