// Pushing one repository: blobs, then manifests in order, then tags, then lists of referrers.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ecosystem/ecosystem.hpp"
#include "ecosystem/oci/push_plan.hpp"
#include "ecosystem/oci/push_target.hpp"

namespace airlock::ecosystem::oci {

struct RepositoryReport {
  std::uint64_t pushed = 0;
  std::uint64_t present = 0;
  std::vector<base::Finding> failures;
};

class RepositoryPush {
 public:
  RepositoryPush(const PushContext& context, RegistryTarget& target, const RepositoryContent& content)
      : m_context(context), m_target(target), m_content(content) {}
  RepositoryReport run();

 private:
  enum class State { present, pushed, failed };
  struct Outcome {
    State state = State::present;
    base::ErrorCode code = base::ErrorCode::upstream;
    std::string reason;  // of failed
  };

  void look_for_manifests();
  void move_blobs();
  Outcome move_blob(const base::Digest& digest, const store::CatalogRow& row);
  void move_manifests();
  Outcome move_manifest(const StoredManifest& manifest);
  Outcome missing_part(const StoredManifest& manifest) const;
  Outcome put(const StoredManifest& manifest, const std::string& reference);
  void move_tags();
  Outcome move_tag(const std::string& tag, const base::Digest& digest);
  // `tag` is empty for what is known by digest only.
  void report(const std::string& tag, const base::Digest& digest, const Outcome& outcome);
  void explain_sparse_index(const StoredManifest& index, const std::string& tag);
  void list_referrers();
  void list_referrers_of(const base::Digest& subject, const std::vector<base::Digest>& referrers);
  void fail(const std::string& subject, const Outcome& outcome);
  void count(const std::string& subject, const Outcome& outcome);

  const PushContext& m_context;
  RegistryTarget& m_target;
  const RepositoryContent& m_content;
  mutable std::mutex m_mutex;  // of the members below, while tasks run
  std::map<base::Digest, Outcome> m_blobs;
  std::map<base::Digest, Outcome> m_manifests;
  std::set<base::Digest> m_absent;          // manifests that the target does not have
  std::set<base::Digest> m_sparse_refused;  // indexes that it does not take without all children
  std::set<base::Digest> m_told;            // whose outcome the report has
  RepositoryReport m_report;
};

}  // namespace airlock::ecosystem::oci
