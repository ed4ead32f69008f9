#include "support/tuf_repository.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace airlock::test {

using namespace trust;  // NOLINT: the helper speaks of nothing else

std::string outcome(const std::function<void()>& function, std::string* message) {
  try {
    function();
  } catch (const base::Error& error) {
    if (message != nullptr) {
      *message = error.message();
    }
    return std::string(base::error_code_info(error.code()).name);
  }
  return "ok";
}

TufRepository::TufRepository(std::string channel) {
  for (const std::string role : {"root", "timestamp", "snapshot", "targets"}) {
    common(role).expires = day(365);
    common(role).channel = channel;
    root.roles[role];
    add_key(role);
  }
  publish_all();
}

std::optional<std::string> TufRepository::fetch(std::string_view name, std::size_t limit) {
  requests.emplace_back(name);
  const auto found = files.find(std::string(name));
  if (found == files.end()) {
    return std::nullopt;
  }
  if (found->second.size() > limit) {
    throw base::Error(base::ErrorCode::limit, "longer than the limit");
  }
  return found->second;
}

RoleCommon& TufRepository::common(std::string_view role) {
  if (role == "root") {
    return root;
  }
  if (role == "timestamp") {
    return timestamp;
  }
  if (role == "snapshot") {
    return snapshot;
  }
  return any_targets(std::string(role));
}

Targets& TufRepository::any_targets(const std::string& role) {
  return role == "targets" ? targets : delegated.at(role);
}

RoleKeys& TufRepository::role_keys(const std::string& role) {
  const auto delegator = m_delegator.find(role);
  if (delegator == m_delegator.end()) {
    return root.roles.at(role);
  }
  auto& roles = any_targets(delegator->second).roles;
  return std::ranges::find(roles, role, &DelegatedRole::name)->keys;
}

void TufRepository::list_key(const std::string& role, const PublicKey& key) {
  const auto delegator = m_delegator.find(role);
  auto& keys = delegator == m_delegator.end() ? root.keys : any_targets(delegator->second).delegation_keys;
  keys.insert_or_assign(key.keyid(), key);
  role_keys(role).keyids.push_back(key.keyid());
}

std::shared_ptr<Signer> TufRepository::add_key(const std::string& role, Scheme scheme) {
  std::shared_ptr<Signer> signer = generate_key(scheme);
  list_key(role, signer->public_key());
  signers[role].push_back(signer);
  return signer;
}

void TufRepository::rotate_keys(const std::string& role) {
  const std::size_t count = role_keys(role).keyids.size();
  role_keys(role).keyids.clear();
  if (role != "root") {
    signers[role].clear();
  }
  for (std::size_t i = 0; i < count; ++i) {
    add_key(role);
  }
}

DelegatedRole& TufRepository::delegate(const std::string& parent, const std::string& name,
                                       std::vector<std::string> paths, bool terminating) {
  auto& roles = any_targets(parent).roles;
  roles.push_back(
      {.name = name, .keys = {}, .terminating = terminating, .paths = std::move(paths), .path_hash_prefixes = {}});
  m_delegator[name] = parent;
  if (!delegated.contains(name)) {
    delegated[name].expires = day(365);
    delegated[name].channel = targets.channel;
  }
  add_key(name);
  return roles.back();
}

void TufRepository::add_target(const std::string& role, const std::string& path, std::string_view content) {
  any_targets(role).targets[path] = describe_target(content);
}

base::Json TufRepository::signed_part(const std::string& role) {
  if (role == "root") {
    return to_signed_part(root);
  }
  if (role == "timestamp") {
    return to_signed_part(timestamp);
  }
  if (role == "snapshot") {
    return to_signed_part(snapshot);
  }
  return to_signed_part(any_targets(role));
}

std::string TufRepository::file_name(const std::string& role) {
  return role == "timestamp" ? "timestamp.json" : metadata_file_name(role, common(role).version);
}

void TufRepository::describe(const std::string& role, const std::string& bytes) {
  MetaFile meta = trust::describe(bytes, common(role).version);
  if (!describe_with_hashes) {
    meta.length.reset();
    meta.hashes.clear();
  }
  if (role == "snapshot") {
    timestamp.snapshot = meta;
  } else if (role != "root" && role != "timestamp") {
    snapshot.meta[role + ".json"] = meta;
  }
}

void TufRepository::publish(const std::vector<std::string>& roles, const Edit& edit) {
  for (const auto& role : roles) {
    ++common(role).version;
    publish_again({role}, edit);
  }
}

void TufRepository::publish_again(const std::vector<std::string>& roles, const Edit& edit) {
  for (const auto& role : roles) {
    base::Json part = signed_part(role);
    if (edit) {
      edit(part);
    }
    std::vector<const Signer*> by;
    for (const auto& signer : signers[role]) {
      by.push_back(signer.get());
    }
    files[file_name(role)] = sign_role(part, by);
    describe(role, files[file_name(role)]);
  }
}

void TufRepository::tamper(const std::string& name, const std::function<void(base::Json&)>& change) {
  base::Json file = base::Json::parse(files.at(name));
  change(file);
  files[name] = file.dump();
}

std::optional<std::string> MemoryState::load(std::string_view role) {
  const auto found = roles.find(std::string(role));
  return found == roles.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> MemoryState::load_roots() {
  std::vector<std::string> chain;
  for (const auto& [version, bytes] : roots) {
    chain.push_back(bytes);
  }
  return chain;
}

void MemoryState::save_root(std::uint64_t version, std::string_view bytes) {
  calls.push_back("root " + std::to_string(version));
  roots[version] = bytes;
  roles["root"] = bytes;
}

void MemoryState::save(std::string_view role, std::string_view bytes) {
  calls.push_back("save " + std::string(role));
  roles[std::string(role)] = bytes;
}

void MemoryState::remove(std::string_view role) {
  calls.push_back("remove " + std::string(role));
  roles.erase(std::string(role));
}

void MemoryState::commit(const TrustedSet& set) {
  roles["root"] = set.root_file.bytes;
  roles["timestamp"] = set.timestamp_file.bytes;
  roles["snapshot"] = set.snapshot_file.bytes;
  roles["targets"] = set.targets_file.bytes;
  for (const auto& [name, file] : set.delegated_files) {
    roles[name] = file.bytes;
  }
}

std::uint64_t MemoryState::version(const std::string& role) const {
  const auto found = roles.find(role);
  return found == roles.end() ? 0 : base::Json::parse(found->second).at("signed").at("version").get<std::uint64_t>();
}

Site::Site(TufRepository& followed, Persistence persistence)
    : repository(&followed), pinned_root(followed.files.at("1.root.json")) {
  options.persistence = persistence;
  options.now = day(0);
  options.channel = followed.root.channel;
  options.keyid_check = options.channel.empty() ? KeyidCheck::tolerate : KeyidCheck::enforce;
}

std::string Site::refresh() {
  return outcome(
      [&] {
        Client client(pinned_root, *repository, state, options);
        client.refresh();
        if (options.persistence == Persistence::transactional) {
          state.commit(client.load_all_delegated());
        }
      },
      &message);
}

std::string Site::find(std::string_view path) {
  std::string result;
  const std::string code = outcome(
      [&] {
        Client client(pinned_root, *repository, state, options);
        client.refresh();
        const auto target = client.find_target(path);
        result = target ? target->hashes.at("sha256") : "none";
      },
      &message);
  return code == "ok" ? result : code;
}

}  // namespace airlock::test
