// The TUF client workflow (TUF 1.0.34, section 5) over a fetcher and a state store: one core for bundles,
// tests and the conformance adapter.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "trust/metadata.hpp"

namespace airlock::trust {

// Where metadata comes from. Names are final file names: "3.root.json", "timestamp.json", "7.snapshot.json".
class Fetcher {
 public:
  virtual ~Fetcher() = default;
  // nullopt: not there. Throws limit when it is longer than `limit` bytes.
  virtual std::optional<std::string> fetch(std::string_view name, std::size_t limit) = 0;
};

// What was accepted before. `bundle` implements it on `store`; tests and the adapter on memory and a folder.
class StateStore {
 public:
  virtual ~StateStore() = default;
  // Role names: "root" (the newest), "timestamp", "snapshot", "targets", or a delegated role's.
  virtual std::optional<std::string> load(std::string_view role) = 0;
  // The chain that led from the pinned root to the newest, oldest first, the pinned one left out.
  virtual std::vector<std::string> load_roots() = 0;
  // Called at once for each new root, even if what follows is bad: a revocation must not be undone by
  // breaking a later file (docs/formats/trust.md, What import asks, step 1).
  virtual void save_root(std::uint64_t version, std::string_view bytes) = 0;
  // Persistence::incremental only; a transactional caller takes TrustedSet at its commit.
  virtual void save(std::string_view role, std::string_view bytes) = 0;
  virtual void remove(std::string_view role) = 0;
};

enum class Persistence { incremental, transactional };
enum class Expiry { enforce, accept };

// The version from which a role may begin where there is none yet, under any policy: a site may join a channel of any
// age, and a new state every minute comes this far in two years.
inline constexpr std::uint64_t k_first_version_limit = 1'000'000;

// What the far side's own policy adds; no root can weaken it (docs/formats/policy.md). "delegated" stands for every
// delegated role that has no entry of its own.
struct Policy {
  std::map<std::string, std::uint64_t> minimum_threshold;        // by role
  std::vector<Scheme> schemes;                                   // empty: all three
  std::map<std::string, std::chrono::seconds> longest_lifetime;  // by role; from now to expiry
  std::uint64_t largest_version_jump = 1'000'000;                // from one import to the next
  static constexpr std::uint64_t k_any_jump = UINT64_MAX;        // of what a site has taken in: it was asked then
};

struct ClientOptions {
  Persistence persistence = Persistence::transactional;
  KeyidCheck keyid_check = KeyidCheck::enforce;
  Policy policy;
  base::Time now{};  // fixed for the run (5.1)
  // Every role must carry it; only a root may leave it out, and then serves all channels of its producer.
  // Empty: a foreign repository, from which neither the channel nor lengths and hashes of metadata are asked.
  std::string channel;
  // Overrides for one run, by role; "root" throws usage. An import gives "timestamp" and "snapshot" at most
  // (docs/operations/verify-and-import.md); whoever only looks into a bundle may give others too.
  std::map<std::string, Expiry> expiry;
  std::size_t root_limit = 256;  // new roots in one run
};

struct TrustedSet {
  SignedFile root_file, timestamp_file, snapshot_file, targets_file;
  Root root;
  Timestamp timestamp;
  Snapshot snapshot;
  Targets targets;
  std::map<std::string, SignedFile> delegated_files;
  std::map<std::string, Targets> delegated;
  std::uint64_t new_roots = 0;  // accepted in this run
  bool same_timestamp = false;  // the fetched statement equals the trusted one
};

class Client {
 public:
  // Starts from `pinned_root` every time and walks the stored chain again. Throws untrusted, malformed.
  Client(std::string pinned_root, Fetcher& fetcher, StateStore& store, ClientOptions options);
  ~Client();

  // Sections 5.3 to 5.6 in order; throws
  //   untrusted (threshold, policy), foreign (another channel), tampered (hash, length, malformed, larger or more
  //   than is accepted), rollback (a version went back, a role vanished), equivocation (the same version, another
  //   signed part; transactional only), expired, not_found (the fetcher has no such file), unsupported, limit (more
  //   new roots than one run takes; they are kept, and the next run goes on), and what the fetcher throws.
  const TrustedSet& refresh();
  // Every role that can be reached by delegation, verified (bundles need all), and
  // every target of it checked against the patterns of the whole chain. A role that two others delegate to is
  // untrusted. Roles that snapshot keeps although nobody delegates to them any more are left out. Throws like
  // refresh, after which it must be called.
  const TrustedSet& load_all_delegated();
  // Section 5.6.7: pre-order search along delegations, 32 delegated roles at most; nullopt when no role lists
  // the path. Throws like refresh, after which it must be called.
  std::optional<TargetFile> find_target(std::string_view path);

  const TrustedSet& trusted() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace airlock::trust
