// A TUF repository in memory, and a site that follows it: change values, publish, refresh, look at what was
// accepted.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trust/client.hpp"

namespace airlock::test {

using trust::SignedFile;

inline base::Time day(int number) {  // days count from 2026-07-01
  return base::parse_rfc3339("2026-07-01T12:00:00Z") + std::chrono::days(number);
}

class TufRepository : public trust::Fetcher {
 public:
  using Signers = std::vector<std::shared_ptr<trust::Signer>>;
  using Edit = std::function<void(base::Json& signed_part)>;

  // One Ed25519 key a role, everything published as version 1 and valid for a year. Without a channel it is a
  // foreign repository.
  explicit TufRepository(std::string channel = "site");

  trust::Root root;
  trust::Timestamp timestamp;
  trust::Snapshot snapshot;
  trust::Targets targets;
  std::map<std::string, trust::Targets> delegated;
  std::map<std::string, Signers> signers;    // by role; who signs when it is published
  bool describe_with_hashes = true;          // in snapshot and timestamp
  std::map<std::string, std::string> files;  // as served
  std::vector<std::string> requests;         // file names asked for

  std::optional<std::string> fetch(std::string_view name, std::size_t limit) override;

  // Signs the present values under the next version of each role, in the order given, and notes them in
  // snapshot and timestamp. `edit` changes what is signed.
  void publish(const std::vector<std::string>& roles, const Edit& edit = {});
  void publish_all() { publish({"root", "targets", "snapshot", "timestamp"}); }
  // The same without raising the version.
  void publish_again(const std::vector<std::string>& roles, const Edit& edit = {});
  void set_version(std::string_view role, std::uint64_t version) { common(role).version = version; }

  // A new key that signs for the role and is listed for it; the threshold stays.
  std::shared_ptr<trust::Signer> add_key(const std::string& role, trust::Scheme scheme = trust::Scheme::ed25519);
  void list_key(const std::string& role, const trust::PublicKey& key);
  // New keys in place of all old ones, except that root is still signed by the old ones too.
  void rotate_keys(const std::string& role);
  // `parent` delegates to a new role with one new key; published with the next `publish({name, parent, …})`.
  trust::DelegatedRole& delegate(const std::string& parent, const std::string& name, std::vector<std::string> paths,
                                 bool terminating = false);
  void add_target(const std::string& role, const std::string& path, std::string_view content);
  // Reads the served file, changes it, serves the result as it then is.
  void tamper(const std::string& file_name, const std::function<void(base::Json& file)>& change);

  trust::RoleCommon& common(std::string_view role);
  trust::Targets& any_targets(const std::string& role);
  std::string file_name(const std::string& role);  // of its newest version

 private:
  trust::RoleKeys& role_keys(const std::string& role);
  base::Json signed_part(const std::string& role);
  void describe(const std::string& role, const std::string& bytes);

  std::map<std::string, std::string> m_delegator;  // role -> who delegates to it
};

// What a site has accepted, in memory.
class MemoryState : public trust::StateStore {
 public:
  std::map<std::string, std::string> roles;
  std::map<std::uint64_t, std::string> roots;
  std::vector<std::string> calls;  // "save timestamp", "root 2", "remove snapshot"

  std::optional<std::string> load(std::string_view role) override;
  std::vector<std::string> load_roots() override;
  void save_root(std::uint64_t version, std::string_view bytes) override;
  void save(std::string_view role, std::string_view bytes) override;
  void remove(std::string_view role) override;

  // What a transactional caller does at its commit.
  void commit(const trust::TrustedSet& set);
  // Of the accepted role; 0 where there is none.
  std::uint64_t version(const std::string& role) const;
};

// One site: its pinned root, its state, its options.
struct Site {
  explicit Site(TufRepository& followed, trust::Persistence persistence = trust::Persistence::transactional);

  TufRepository* repository;
  std::string pinned_root;
  MemoryState state;
  trust::ClientOptions options;

  // A run as an import makes it: refresh, every delegated role, commit. "ok", or the name of the error's
  // code; what was said is in `message`.
  std::string refresh();
  // Refresh, then a search; the path's sha256, or "none", or the name of the error's code.
  std::string find(std::string_view path);
  std::string message;
};

// "ok", or the name of the code of the Error that `function` throws.
std::string outcome(const std::function<void()>& function, std::string* message = nullptr);

}  // namespace airlock::test
