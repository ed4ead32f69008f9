// The inside of Client, shared by the files that implement its steps.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "trust/client.hpp"

namespace airlock::trust {

struct Client::Impl {
  Impl(std::string pinned_root, Fetcher& fetcher, StateStore& store, ClientOptions client_options);

  void refresh();
  const TrustedSet& load_all_delegated();
  std::optional<TargetFile> find_target(std::string_view path);

  TrustedSet set;

 private:
  // A role that was accepted in an earlier run, and still is under the root of this one.
  template <typename Role>
  struct Earlier {
    SignedFile file;
    Role role;
  };

  bool own() const { return !m_options.channel.empty(); }
  bool incremental() const { return m_options.persistence == Persistence::incremental; }

  // client.cpp: sections 5.3 to 5.5
  void walk_stored_roots();
  void update_root();
  void accept_root(SignedFile file, Root root);
  void load_earlier();
  template <typename Role>
  std::optional<Earlier<Role>> load_earlier_role(std::string_view name, Role (*parse)(const SignedFile&),
                                                 bool& rotated);
  void update_timestamp();
  void check_newer_timestamp(const Timestamp& timestamp) const;
  void update_snapshot();
  void check_newer_snapshot(const Snapshot& snapshot, const SignedFile& file) const;
  void check_first_versions(const Snapshot& snapshot) const;
  void update_targets();

  // targets.cpp: section 5.6
  const Targets& load_delegated(const DelegatedRole& role, const std::map<std::string, PublicKey>& keys);
  std::pair<SignedFile, Targets> load_targets(const std::string& name, const RoleKeys& role,
                                              const std::map<std::string, PublicKey>& keys);
  std::optional<std::pair<SignedFile, Targets>> read_stored_targets(const std::string& name, const RoleKeys& role,
                                                                    const std::map<std::string, PublicKey>& keys);
  void check_equivocation(const std::string& name, const SignedFile& stored, const SignedFile& fetched,
                          std::uint64_t version) const;

  // client_checks.cpp: what is asked of every role
  SignedFile fetch_signed(const std::string& file_name, std::string_view role, std::size_t limit);
  // A file that its parent describes: length and hashes proven before it is parsed.
  SignedFile fetch_described(std::string_view role, const MetaFile& meta, std::size_t default_limit);
  bool fits(const MetaFile& meta, std::string_view bytes) const;
  void check_root_form(const SignedFile& file, const Root& root) const;
  void require_policy(const Root& newest) const;
  void check_channel(std::string_view role, const RoleCommon& common) const;
  void check_jump(std::string_view role, std::uint64_t from, std::uint64_t to) const;
  void check_first_version(std::string_view role, std::uint64_t version) const;
  void check_times(std::string_view role, const RoleCommon& common) const;
  std::optional<std::uint64_t> version_in_name(std::uint64_t version) const;

  Fetcher* m_fetcher;
  StateStore* m_store;
  ClientOptions m_options;
  std::optional<Earlier<Timestamp>> m_earlier_timestamp;
  std::optional<Earlier<Snapshot>> m_earlier_snapshot;
};

}  // namespace airlock::trust
