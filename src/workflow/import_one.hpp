// One bundle of an import, for import.cpp only.
#pragma once

#include "bundle/blob_map.hpp"
#include "bundle/verified_bundle.hpp"
#include "store/blob_store.hpp"
#include "store/state_db.hpp"
#include "workflow/bundle_files.hpp"
#include "workflow/import.hpp"
#include "workflow/import_plan.hpp"
#include "workflow/local_approvals.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/scanner.hpp"

namespace airlock::workflow {

// The site's scanner, where the policy has one for imports; else all empty.
struct RunScanner {
  const ScanSettings* settings = nullptr;
  const Scanner* scanner = nullptr;
  store::ScanResults* results = nullptr;
  Scanner::Memory memory = Scanner::Memory::use;
};

// What all bundles of one run share.
struct ImportRun {
  const ImportOptions& options;
  const base::Clock& clock;
  base::Reporter& reporter;
  const bundle::Policy& policy;
  const std::vector<PinnedRoot>& roots;
  const BundleFiles& files;                         // where volumes and approvals may lie
  const std::vector<bundle::HeadCandidate>& heads;  // all that are at hand
  store::StateDb& state;
  const store::BlobStore& blobs;
  const RunScanner& scan;
  const Officers* officers;             // null: the policy asks for no local approval
  const Officers* officers_of_expired;  // null: nor for one of accepting what has expired

  void step(std::string_view name) const {
    if (options.at_step) {
      options.at_step(name);
    }
  }
};

ImportedBundle import_one(const bundle::HeadCandidate& candidate, const ImportRun& run,
                          std::vector<base::Finding>& notes);

// The parts, in files of their own.

// Signatures, versions, serial, expiry, clock (steps 1 to 4). What contradicts an earlier statement is kept as
// evidence.
struct ProvenHead {
  bundle::VerifiedBundle bundle;
  store::ChannelKey key;
  base::Time now{};  // reference time
};
ProvenHead prove_head(const bundle::Head& head, const ImportRun& run);

// Where a head was refused as older (rollback): the generation that has the very state that it names, with all that it
// needs. Nothing is to be done for it then. nullopt also where this import asks for a decision about its files.
std::optional<store::Generation> here_already(const bundle::Head& head, const base::Error& refusal,
                                              const ImportRun& run);

// Takes what the producer revoked out of service at once, whatever becomes of the rest of the bundle: a revocation must
// not be undone by breaking a later file, by a missing base, or by --hold. What this site overrides stays in service.
// Throws policy when the channel has revoked more than a site keeps.
void apply_revocations(const ProvenHead& proven, const ImportRun& run);

// Throws untrusted when a path that is fixed by version or digest means something else in another active channel.
void check_rows(const bundle::VerifiedBundle& verified, const store::ChannelKey& key, const ImportRun& run);

// Brings everything that `plan` wants into the blob store (step 6). Throws base_missing, volume_missing,
// no_space, tampered, truncated.
struct Taken {
  std::uint64_t blobs = 0, bytes = 0;  // written
};
Taken take_content(const bundle::VerifiedBundle& verified, const std::vector<bundle::BlobMap>& maps, ImportPlan& plan,
                   const std::set<base::Digest>& left, const ImportRun& run);

// Step 7: one transaction, and the catalog switched after it.
struct Commit {
  const ProvenHead& proven;
  const ImportPlan& plan;
  const std::set<base::Digest>& left;
  std::optional<store::Generation> existing = {};  // of the same state
  bool adds_generation = true;
  base::Digest head_digest = {};
  std::uint64_t head_length = 0;
  const ScanOutcome* scan = nullptr;
  std::vector<CountedApproval> local_approvals = {};
};
struct Committed {
  std::uint64_t generation = 0;
  std::uint64_t shared_name_count = 0;  // see ImportedBundle
  std::vector<store::SharedName> shared_names;
};
Committed commit_import(const Commit& commit, const ImportRun& run);

// Rows that stand for what a generation needs beside its catalog: the head and the attachments.
inline constexpr std::string_view k_bundle_ecosystem = bundle::k_site_rows;
void for_each_bundle_row(const bundle::VerifiedBundle& verified, const store::ChannelKey& key,
                         const base::Digest& head_digest, std::uint64_t head_length,
                         const std::function<void(const model::FileRow&)>& visit);

}  // namespace airlock::workflow
