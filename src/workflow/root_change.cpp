#include "workflow/root_change.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "trust/root_authoring.hpp"
#include "workflow/key_restore.hpp"
#include "workflow/keys.hpp"
#include "workflow/root_key_choice.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

const std::vector<std::string> k_all_roles = {"root", "snapshot", "targets", "timestamp"};

trust::RootPlan plan_like(const trust::Root& root) {
  trust::RootPlan plan;
  plan.channel = root.channel;
  for (const auto& [name, role] : root.roles) {
    trust::RoleHolders& holders = plan.roles[name];
    holders.threshold = role.threshold;
    for (const std::string& keyid : role.keyids) {
      holders.keys.push_back(root.keys.at(keyid));
    }
  }
  return plan;
}

void take_out(trust::RoleHolders& holders, const std::string& keyid) {
  std::erase_if(holders.keys, [&](const trust::PublicKey& key) { return key.keyid() == keyid; });
}

class RootChanger {
 public:
  RootChanger(const Home& home, const RootChange& change, const RootAccess& access, const base::Clock& clock)
      : m_home(home), m_change(change), m_access(access), m_old(parse_own_root(read_own_roots(home).back())),
        m_pending(read_pending_root(home)), m_start(m_pending ? m_pending->root : m_old), m_plan(plan_like(m_start)),
        m_settings(read_key_settings(home)) {
    m_plan.created = base::build_time(clock);
    m_cadence = access.cadence ? access.cadence : m_pending ? m_pending->cadence : std::nullopt;
    if (const auto cadence = trust::find_cadence(m_cadence.value_or(m_settings.cadence))) {
      m_plan.cadence = *cadence;
    }
  }

  RootProgress run() {
    // Every mistake is found, and every key opened, before anything is made.
    name_unnamed_keys();
    open_root_keys();
    refuse_to_drop_signatures();
    apply();
    make_root();
    save();
    RootProgress progress = store_root(m_home, sign(), notes(), m_cadence);
    if (m_made) {
      progress.made.push_back(m_home.keys() / m_made_file);
    }
    return progress;
  }

 private:
  std::vector<const trust::Root*> known_roots() const { return {&m_start, &m_old}; }

  // Without those whose passphrase is forgotten: they stay closed, and a new key comes all the same.
  std::vector<ReachableKey> keys_to_open(const std::vector<std::string>& roles) const {
    auto keys = reachable_keys(m_home, known_roots(), roles);
    if (m_access.new_key && !m_access.passphrase) {
      std::erase_if(
          keys, [](const ReachableKey& key) { return !key.file.empty() && trust::private_key_is_encrypted(key.file); });
    }
    return keys;
  }

  // Files that somebody put into the folder: once keys.json knows their keys, they can be moved aside with them.
  void name_unnamed_keys() {
    for (const ReachableKey& key : keys_to_open(k_all_roles)) {
      if (key.keyid.empty()) {
        const auto signer = base::with_context([&] { return "opening the key " + key.file.string(); },
                                               [&] { return trust::load_private_key(key.file, m_access.passphrase); });
        m_settings.places[signer->public_key().keyid()].file = key.file.filename().string();
      }
    }
  }

  void open_root_keys() {
    m_root_keys = open_keys(keys_to_open({"root"}), known_roots(), m_access.passphrase, m_access.show);
    for (const fs::path& file : root_key_files(m_access.root_keys)) {
      auto signer = base::with_context([&] { return "opening the key " + file.string(); },
                                       [&] { return trust::load_private_key(file, root_passphrase()); });
      const std::string& keyid = signer->public_key().keyid();
      if (!lists_for_root(m_old, keyid) && !lists_for_root(m_start, keyid) && !is_new_root_key(keyid)) {
        throw Error(ErrorCode::untrusted,
                    fmt::format("{} is no root key of this home's root version {}", file.string(), m_start.version))
            .with_hint("`airlock keys show` lists root's keys");
      }
      m_root_keys.push_back({.role = "root", .signer = std::move(signer)});
    }
  }

  const std::optional<base::Secret>& root_passphrase() const {
    return m_access.root_passphrase ? m_access.root_passphrase : m_access.passphrase;
  }

  static bool lists_for_root(const trust::Root& root, const std::string& keyid) {
    const auto& keyids = root.roles.at("root").keyids;
    return std::ranges::find(keyids, keyid) != keyids.end();
  }
  bool is_new_root_key(const std::string& keyid) const {
    return m_change.role == "root" && m_change.key && m_change.key->key.keyid() == keyid;
  }

  // Signatures by keys that are open here are simply made again.
  void refuse_to_drop_signatures() const {
    if (!m_pending || m_access.amend) {
      return;
    }
    for (const trust::Signature& signature : m_pending->file.signatures) {
      const bool ours = std::ranges::any_of(
          m_root_keys, [&](const OpenKey& key) { return key.signer->public_key().keyid() == signature.keyid; });
      if (!signature.sig.empty() && !ours) {
        throw Error(ErrorCode::conflict,
                    fmt::format("root version {} is pending, and others have signed it already", m_start.version))
            .with_hint("let it be completed first (`airlock keys accept`), drop it (`airlock keys abandon`), or give "
                       "--amend: they must sign anew then");
      }
    }
  }

  trust::RoleHolders& holders_of(const std::string& role) {
    const auto found = m_plan.roles.find(role);
    if (found == m_plan.roles.end()) {
      throw Error(ErrorCode::usage, fmt::format("there is no role '{}'", base::printable(role, 60)))
          .with_hint("it is root, snapshot (those who approve), targets or timestamp");
    }
    return found->second;
  }

  void apply() {
    switch (m_change.kind) {
    case RootChange::Kind::add:
      add_key(m_change.role);
      break;
    case RootChange::Kind::rotate:
      rotate();
      break;
    case RootChange::Kind::revoke: {
      const auto named = find_key_of_role(m_start, m_change.keyid, "");
      take_out(holders_of(named.role), named.keyid);
      m_said = fmt::format("revoked {} of role {}", named.keyid.substr(0, k_keyid_shown), named.role);
      set_threshold(named.role);
      check_enough_left(named.role);
      return;
    }
    case RootChange::Kind::threshold:
      m_said = fmt::format("threshold of role {} set", m_change.role);
      break;
    case RootChange::Kind::renew:
      m_said = "renewed" + (m_access.cadence ? fmt::format(", for {} transfers from then on", *m_access.cadence) : "");
      break;
    }
    if (m_change.threshold) {
      set_threshold(m_change.role);
    }
  }

  void set_threshold(const std::string& role) {
    if (m_change.threshold) {
      holders_of(role).threshold = *m_change.threshold;
    }
  }

  void check_enough_left(const std::string& role) {
    const trust::RoleHolders& holders = holders_of(role);
    if (holders.keys.size() < std::max<std::uint64_t>(holders.threshold, 1)) {
      throw Error(ErrorCode::usage, fmt::format("role '{}' would have {} keys, and {} must sign", role,
                                                holders.keys.size(), holders.threshold))
          .with_hint(fmt::format("put another key in its place: airlock keys rotate {} --replace {}; or lower the "
                                 "threshold with --threshold",
                                 role, m_change.keyid));
    }
  }

  void add_key(const std::string& role) {
    const trust::PublicKeyFile& file = *m_change.key;
    if (!file.role.empty() && file.role != role) {
      throw Error(ErrorCode::conflict, fmt::format("this key was made for role '{}', not for '{}'",
                                                   base::printable(file.role, 60), base::printable(role, 60)))
          .with_hint("give each role keys of its own; `airlock keys new --role ROLE` makes one");
    }
    trust::RoleHolders& holders = holders_of(role);
    if (std::ranges::any_of(holders.keys, [&](const auto& key) { return key.same_key(file.key); })) {
      throw Error(ErrorCode::conflict,
                  fmt::format("key {} is in role '{}' already", file.key.keyid().substr(0, k_keyid_shown), role));
    }
    holders.keys.push_back(file.key);
    m_said = fmt::format("added {}{} to role {}", file.key.keyid().substr(0, k_keyid_shown),
                         file.name.empty() ? "" : fmt::format(" ({})", file.name), role);
    if (m_change.command) {
      require_reachable(file.key, role, *m_change.command, m_access.show);
      m_settings.places[file.key.keyid()] = {.file = {}, .command = m_change.command};
      if (role == "root") {  // it signs the root that brings it in
        m_root_keys.push_back(
            {.role = role,
             .signer = std::make_unique<trust::CommandSigner>(file.key, role, *m_change.command, m_access.show)});
      }
    }
  }

  void rotate() {
    const std::string& role = m_change.role;
    trust::RoleHolders& holders = holders_of(role);
    const std::string replaced = replaced_keyid(m_home, m_start, m_change);
    const trust::Scheme scheme = m_change.scheme     ? *m_change.scheme
                                 : m_settings.scheme ? *m_settings.scheme
                                                     : m_start.keys.at(replaced).scheme();
    take_out(holders, replaced);
    if (m_change.key) {
      add_key(role);
    } else {
      m_new_passphrase = passphrase_for_new_key(reachable_keys(m_home, known_roots(), k_all_roles), replaced, m_access);
      m_made = trust::generate_key(scheme);
      m_made_file = free_key_file_name(m_home, m_settings, role);
      m_settings.places[m_made->public_key().keyid()].file = m_made_file;
      holders.keys.push_back(m_made->public_key());
      m_said = fmt::format("added {} to role {}", m_made->public_key().keyid().substr(0, k_keyid_shown), role);
    }
    m_said += fmt::format(", in place of {}", replaced.substr(0, k_keyid_shown));
  }

  void make_root() { m_new = trust::make_next_root(m_old, m_plan); }

  // keys.json first: a file that it does not name, and no root lists, would stand in the way of opening the home.
  void save() {
    write_key_settings(m_home, m_settings);
    if (m_made) {
      trust::save_private_key(*m_made, m_home.keys() / m_made_file, m_new_passphrase);
    }
  }

  trust::SignedFile sign() const {
    std::vector<const trust::Signer*> signers;
    const auto add = [&](const trust::Signer& signer) {
      const std::string& keyid = signer.public_key().keyid();
      if (lists_for_root(m_old, keyid) || lists_for_root(m_new, keyid)) {
        signers.push_back(&signer);
      }
    };
    for (const OpenKey& key : m_root_keys) {
      add(*key.signer);
    }
    if (m_made && m_change.role == "root") {
      add(*m_made);
    }
    return trust::parse_signed(trust::sign_role(to_signed_part(m_new), signers), "the new root", trust::k_root_limit);
  }

  std::vector<std::string> notes() const {
    std::vector<std::string> notes = m_pending ? m_pending->notes : std::vector<std::string>();
    notes.push_back(m_said + (m_change.reason.empty() ? "" : ": " + base::printable(m_change.reason)));
    return notes;
  }

  const Home& m_home;
  const RootChange& m_change;
  const RootAccess& m_access;
  trust::Root m_old;
  std::optional<PendingRoot> m_pending;
  trust::Root m_start;  // what the change starts from: the pending root, or the newest
  trust::RootPlan m_plan;
  KeySettings m_settings;
  std::optional<std::string> m_cadence;  // comes into force with the root; none: it stays
  std::vector<OpenKey> m_root_keys;
  std::unique_ptr<trust::Signer> m_made;
  std::string m_made_file;
  std::optional<base::Secret> m_new_passphrase;  // of m_made
  trust::Root m_new;
  std::string m_said;
};

}  // namespace

RootProgress change_root(const Home& home, const RootChange& change, const RootAccess& access,
                         const base::Clock& clock) {
  static_cast<void>(read_own_roots(home));  // says what to do where there are no keys
  const base::FileLock lock(home.keys() / "lock");
  std::vector<fs::path> moved = tidy_keys(home);
  RootProgress progress = RootChanger(home, change, access, clock).run();
  progress.moved_aside.insert(progress.moved_aside.begin(), moved.begin(), moved.end());
  return progress;
}

bool makes_key(const RootChange& change) {
  return change.kind == RootChange::Kind::rotate && !change.key;
}

bool root_change_needs_passphrase(const Home& home, const RootChange& change, const std::vector<fs::path>& root_keys,
                                  PassphraseOfNewKey of_new_key) {
  if (!has_keys(home)) {
    return false;
  }
  const trust::Root newest = parse_own_root(read_own_roots(home).back());
  const auto pending = read_pending_root(home);
  std::vector<const trust::Root*> roots = {&newest};
  if (pending) {
    roots.push_back(&pending->root);
  }
  auto opened = reachable_keys(home, roots, k_all_roles);
  if (!makes_key(change) || of_new_key == PassphraseOfNewKey::its_own) {
    std::erase_if(opened, [](const ReachableKey& key) { return key.role != "root" && !key.keyid.empty(); });
  }
  return any_is_encrypted(opened) || any_root_key_is_encrypted(root_keys);
}

}  // namespace airlock::workflow
