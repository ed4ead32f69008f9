// The client workflow for the top-level roles; numbers in comments are sections of TUF 1.0.34.
#include "trust/client.hpp"

#include "base/error.hpp"
#include "base/refusal.hpp"
#include "base/text.hpp"
#include "trust/client_impl.hpp"
#include "trust/root_chain.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;
using base::refusing_malformed;

std::string versions(std::uint64_t now, std::uint64_t before) {
  return "version " + std::to_string(now) + " follows the trusted version " + std::to_string(before);
}

}  // namespace

Client::Impl::Impl(std::string pinned_root, Fetcher& fetcher, StateStore& store, ClientOptions client_options)
    : m_fetcher(&fetcher), m_store(&store), m_options(std::move(client_options)) {
  for (const auto& [role, expiry] : m_options.expiry) {
    if (role == "root") {
      throw Error(ErrorCode::usage, "expiry of role '" + base::printable(role, 60) + "' cannot be overridden");
    }
  }
  SignedFile file = parse_signed(std::move(pinned_root), "root", k_root_limit);
  Root root = open_self_signed_root(file, m_options.keyid_check);
  check_root_form(file, root);
  set.root_file = std::move(file);
  set.root = std::move(root);
  walk_stored_roots();
}

// The chain is proven again from the pinned root, so that whoever can write the state may take roots away but
// cannot add one.
void Client::Impl::walk_stored_roots() {
  for (auto& bytes : m_store->load_roots()) {
    try {
      SignedFile file = parse_signed(std::move(bytes), "root", k_root_limit);
      if (parse_root(file, m_options.keyid_check).version <= set.root.version) {
        continue;  // a newer root was pinned since
      }
      Root root = open_next_root(set.root, file, m_options.keyid_check);
      // The policy is asked about the newest one only, in update_root: one that was tightened since must not bring
      // back keys that were revoked, nor refuse a chain that has met it meanwhile.
      set.root_file = std::move(file);
      set.root = std::move(root);
    } catch (const Error&) {
      return;  // what follows a broken link is not a chain; the fetcher has the whole one
    }
  }
}

// 5.3. What the policy refuses may be followed by what it takes: a floor that was raised holds for the newest root
// alone. Until then it waits and is not kept, so that a chain that ends below the floor leaves the last one above it.
void Client::Impl::update_root() {
  std::vector<std::pair<SignedFile, Root>> waiting;
  for (std::size_t i = 0;; ++i) {
    const Root& before = waiting.empty() ? set.root : waiting.back().second;
    const std::uint64_t wanted = before.version + 1;
    auto bytes = refusing_malformed([&] { return m_fetcher->fetch(metadata_file_name("root", wanted), k_root_limit); });
    if (!bytes) {
      break;
    }
    if (i >= m_options.root_limit) {
      require_policy(before);
      throw Error(ErrorCode::limit, "more than " + std::to_string(m_options.root_limit) + " new roots in one run")
          .with_hint("the roots up to version " + std::to_string(set.root.version) +
                     " are kept; run the same command again to go on");
    }
    refusing_malformed([&] {
      SignedFile file = parse_signed(std::move(*bytes), "root", k_root_limit);
      Root root = open_next_root(before, file, m_options.keyid_check);
      check_root_form(file, root);
      waiting.emplace_back(std::move(file), std::move(root));
    });
    if (keeps_to(waiting.back().second, m_options.policy)) {
      for (auto& [file, root] : waiting) {
        accept_root(std::move(file), std::move(root));
      }
      waiting.clear();
    }
  }
  require_policy(waiting.empty() ? set.root : waiting.back().second);
  check_root_form(set.root_file, set.root);
  check_times("root", set.root);  // 5.3.10: only of the last one, and after it was kept
}

// 5.3.8
void Client::Impl::accept_root(SignedFile file, Root root) {
  m_store->save_root(root.version, file.bytes);
  set.root_file = std::move(file);
  set.root = std::move(root);
  ++set.new_roots;
}

template <typename Role>
std::optional<Client::Impl::Earlier<Role>>
Client::Impl::load_earlier_role(std::string_view name, Role (*parse)(const SignedFile&), bool& rotated) {
  auto bytes = m_store->load(name);
  if (!bytes) {
    return std::nullopt;
  }
  try {
    SignedFile file = parse_signed(std::move(*bytes), name, k_metadata_ceiling);
    require_threshold(file, name, set.root.roles.at(std::string(name)), set.root.keys);
    Role role = parse(file);
    check_channel(name, role);
    return Earlier<Role>{std::move(file), std::move(role)};
  } catch (Error& error) {
    if (error.code() == ErrorCode::untrusted) {
      rotated = true;
      return std::nullopt;
    }
    // A folder of files may be damaged and is simply filled again. A database is not, and floors that are
    // lost without a word would let an old bundle in.
    if (incremental()) {
      return std::nullopt;
    }
    error.with_context("reading the stored " + std::string(name));
    throw;
  }
}

// 5.3.11: what the present keys would not sign is no longer a floor. When either role's keys have changed
// both counters go, because a forged snapshot version stands in the timestamp too.
void Client::Impl::load_earlier() {
  bool rotated = false;
  m_earlier_timestamp = load_earlier_role("timestamp", parse_timestamp, rotated);
  m_earlier_snapshot = load_earlier_role("snapshot", parse_snapshot, rotated);
  if (!rotated) {
    return;
  }
  m_earlier_timestamp.reset();
  m_earlier_snapshot.reset();
  if (incremental()) {
    m_store->remove("timestamp");
    m_store->remove("snapshot");
  }
}

// 5.4
void Client::Impl::update_timestamp() {
  SignedFile file = fetch_signed("timestamp.json", "timestamp", k_timestamp_limit);
  require_threshold(file, "timestamp", set.root.roles.at("timestamp"), set.root.keys);
  Timestamp timestamp = refusing_malformed([&] { return parse_timestamp(file); });
  check_channel("timestamp", timestamp);

  set.same_timestamp = false;
  bool keep_earlier = false;
  if (m_earlier_timestamp) {
    const auto& earlier = *m_earlier_timestamp;
    if (timestamp.version != earlier.role.version) {
      check_newer_timestamp(timestamp);
    } else if (incremental()) {
      keep_earlier = true;  // 5.4.3.1: nothing new, whatever it says
    } else if (file.canonical == earlier.file.canonical) {
      set.same_timestamp = true;
    } else {
      throw Error(ErrorCode::equivocation,
                  "two different timestamps are signed as version " + std::to_string(timestamp.version));
    }
  }
  if (keep_earlier) {
    file = m_earlier_timestamp->file;
    timestamp = m_earlier_timestamp->role;
    set.same_timestamp = true;
  }
  check_times("timestamp", timestamp);
  if (incremental() && !keep_earlier) {
    m_store->save("timestamp", file.bytes);
  }
  set.timestamp_file = std::move(file);
  set.timestamp = std::move(timestamp);
}

// 5.4.3. The version of a channel's timestamp follows from its snapshot's, a thousand to each
// (bundle/head_checks.hpp), so that the snapshot's leap bounds both.
void Client::Impl::check_newer_timestamp(const Timestamp& timestamp) const {
  const Timestamp& earlier = m_earlier_timestamp->role;
  if (timestamp.version < earlier.version) {
    throw Error(ErrorCode::rollback, "timestamp " + versions(timestamp.version, earlier.version));
  }
  if (timestamp.snapshot.version < earlier.snapshot.version) {
    throw Error(ErrorCode::rollback,
                "the timestamp's snapshot " + versions(timestamp.snapshot.version, earlier.snapshot.version));
  }
  if (!own()) {
    check_jump("timestamp", earlier.version, timestamp.version);
  }
  check_jump("snapshot", earlier.snapshot.version, timestamp.snapshot.version);
}

// 5.5
void Client::Impl::update_snapshot() {
  const MetaFile& meta = set.timestamp.snapshot;
  const bool have = m_earlier_snapshot && m_earlier_snapshot->role.version == meta.version &&
                    fits(meta, m_earlier_snapshot->file.bytes);
  if (have) {
    set.snapshot_file = m_earlier_snapshot->file;
    set.snapshot = m_earlier_snapshot->role;
    check_times("snapshot", set.snapshot);
    return;
  }
  SignedFile file = fetch_described("snapshot", meta, k_snapshot_limit);
  require_threshold(file, "snapshot", set.root.roles.at("snapshot"), set.root.keys);
  Snapshot snapshot = refusing_malformed([&] { return parse_snapshot(file); });
  check_channel("snapshot", snapshot);
  if (snapshot.version != meta.version) {
    throw Error(ErrorCode::tampered, "snapshot version " + std::to_string(snapshot.version) +
                                         " stands where the timestamp promises version " +
                                         std::to_string(meta.version));
  }
  if (m_earlier_snapshot) {
    check_newer_snapshot(snapshot, file);
  }
  check_first_versions(snapshot);
  check_times("snapshot", snapshot);
  if (incremental()) {
    m_store->save("snapshot", file.bytes);
  }
  set.snapshot_file = std::move(file);
  set.snapshot = std::move(snapshot);
}

// 5.5.5
void Client::Impl::check_newer_snapshot(const Snapshot& snapshot, const SignedFile& file) const {
  const auto& [earlier_file, earlier] = *m_earlier_snapshot;
  if (snapshot.version < earlier.version) {
    throw Error(ErrorCode::rollback, "snapshot " + versions(snapshot.version, earlier.version));
  }
  if (!incremental() && snapshot.version == earlier.version && file.canonical != earlier_file.canonical) {
    throw Error(ErrorCode::equivocation,
                "two different snapshots are signed as version " + std::to_string(snapshot.version));
  }
  for (const auto& [name, before] : earlier.meta) {
    const auto now = snapshot.meta.find(name);
    if (now == snapshot.meta.end()) {
      throw Error(ErrorCode::rollback, "snapshot no longer lists '" + base::printable(name, 100) + "'");
    }
    if (now->second.version < before.version) {
      throw Error(ErrorCode::rollback,
                  "in snapshot, '" + base::printable(name, 100) + "' " + versions(now->second.version, before.version));
    }
    check_jump(name, before.version, now->second.version);
  }
}

// What no earlier snapshot lists has nothing to leap from. The timestamp's version follows from this one's
// (bundle/head_checks.hpp).
void Client::Impl::check_first_versions(const Snapshot& snapshot) const {
  if (!m_earlier_snapshot) {
    check_first_version("snapshot", snapshot.version);
  }
  for (const auto& [name, meta] : snapshot.meta) {
    if (!m_earlier_snapshot || !m_earlier_snapshot->role.meta.contains(name)) {
      check_first_version(name, meta.version);
    }
  }
}

// 5.6
void Client::Impl::update_targets() {
  auto [file, targets] = load_targets("targets", set.root.roles.at("targets"), set.root.keys);
  set.targets_file = std::move(file);
  set.targets = std::move(targets);
}

void Client::Impl::refresh() {
  set.delegated.clear();
  set.delegated_files.clear();
  update_root();
  load_earlier();
  update_timestamp();
  update_snapshot();
  update_targets();
}

Client::Client(std::string pinned_root, Fetcher& fetcher, StateStore& store, ClientOptions options)
    : m_impl(std::make_unique<Impl>(std::move(pinned_root), fetcher, store, std::move(options))) {}
Client::~Client() = default;

const TrustedSet& Client::refresh() {
  m_impl->refresh();
  return m_impl->set;
}

const TrustedSet& Client::load_all_delegated() {
  return m_impl->load_all_delegated();
}
std::optional<TargetFile> Client::find_target(std::string_view path) {
  return m_impl->find_target(path);
}
const TrustedSet& Client::trusted() const {
  return m_impl->set;
}

}  // namespace airlock::trust
