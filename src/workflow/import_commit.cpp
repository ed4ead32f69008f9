// Import, step 7: everything becomes true in one transaction, and visible with the switch of the catalog after it.
#include <fmt/format.h>

#include "base/files.hpp"
#include "base/json.hpp"
#include "bundle/state_store.hpp"
#include "workflow/import_one.hpp"
#include "workflow/medium.hpp"
#include "workflow/remark.hpp"
#include "workflow/scan_refusal.hpp"

namespace airlock::workflow {

namespace {

constexpr std::size_t k_settings_file_limit = 1024 * 1024;  // bytes

// What was in force: which policy let this in is asked months later. Empty where there is no such file.
std::string digest_of_settings(const std::filesystem::path& file) {
  const auto text = base::read_file_if_exists(file, k_settings_file_limit);
  return text ? base::sha256(*text).hex() : "";
}

base::Json digests(const std::set<base::Digest>& list) {
  base::Json json = base::Json::array();
  for (const auto& digest : list) {
    json.push_back(digest.to_string());
  }
  return json;
}

model::FileRow bundle_row(std::string path, std::string media_type, const base::Digest& sha256, std::uint64_t length) {
  model::FileRow row;
  row.ecosystem = k_bundle_ecosystem;
  row.path = std::move(path);
  row.kind = model::Kind::layout;
  row.media_type = std::move(media_type);
  row.sha256 = sha256;
  row.length = length;
  return row;
}

void add_rows(const Commit& commit, std::uint64_t generation, store::StateDb& state) {
  const auto& verified = commit.proven.bundle;
  verified.for_each_row([&](const model::FileRow& row) {
    if (row.sha256 && commit.left.contains(*row.sha256)) {
      auto withheld = row;
      withheld.kind = model::Kind::withheld;
      state.add_row(generation, withheld);
    } else {
      state.add_row(generation, row);
    }
  });
  for_each_bundle_row(verified, commit.proven.key, commit.head_digest, commit.head_length,
                      [&](const model::FileRow& row) { state.add_row(generation, row); });
}

std::uint64_t add_generation(const Commit& commit, base::Time now, store::StateDb& state) {
  const auto& descriptor = commit.proven.bundle.descriptor();
  store::Generation generation;
  generation.channel = commit.proven.key;
  generation.serial = descriptor.serial;
  generation.bundle_id = commit.proven.bundle.bundle_id();
  generation.created = descriptor.created;
  generation.imported = now;
  generation.head_digest = commit.head_digest.hex();
  generation.artifacts = descriptor.artifacts;
  for (const auto& [ecosystem, rows] : descriptor.rows) {
    generation.rows += rows;
  }
  generation.bytes = descriptor.bytes;
  const auto id = state.add_generation(generation);
  add_rows(commit, id, state);
  return id;
}

// All that is new here, whichever run brought it: one that waited for officers, or was interrupted, had it staged.
std::uint64_t new_bytes(const ImportPlan& plan) {
  std::uint64_t bytes = 0;
  for (const auto& blob : plan.wanted) {
    bytes += blob.length;
  }
  return bytes;
}

std::string audit_detail(const Commit& commit, std::uint64_t generation, const ImportRun& run) {
  const ImportOptions& options = run.options;
  const auto& verified = commit.proven.bundle;
  base::Json detail = {{"channel", commit.proven.key.channel},
                       {"producer", commit.proven.key.producer},
                       {"serial", verified.descriptor().serial},
                       {"bundle_id", verified.bundle_id()},
                       {"generation", generation},
                       {"root_version", verified.trusted().root.version},
                       {"approvals", verified.approvals()},
                       {"blobs_new", commit.plan.wanted.size()},
                       {"bytes_new", new_bytes(commit.plan)},
                       {"medium", to_json(medium_of(verified.head().file()))},
                       {"file", verified.head().file().filename().string()},
                       {"policy_sha256", digest_of_settings(options.home.config / "policy.yaml")},
                       {"config_sha256", digest_of_settings(options.home.config / "airlock.yaml")},
                       {"hold", options.activation == Activation::hold}};
  if (const auto out = run.state.out_of_service(commit.proven.key)) {
    detail["out_of_service_since"] = base::to_rfc3339(out->since);
  }
  if (!commit.left.empty()) {
    detail["withheld"] = digests(commit.left);
  }
  if (!options.withhold.empty()) {
    detail["withheld_now"] = digests(options.withhold);
  }
  if (!options.release.empty()) {
    detail["released"] = digests(options.release);
  }
  if (commit.scan != nullptr && !commit.scan->scanner.empty()) {
    detail["scan"] = {{"scanner", commit.scan->scanner},
                      {"scanned", commit.scan->scanned},
                      {"remembered", commit.scan->remembered},
                      {"accepted", commit.scan->accepted},
                      {"withheld", refusals_json(commit.scan->withheld)}};
  }
  if (!commit.local_approvals.empty()) {
    detail["local_approvals"] = base::Json::array();
    for (const auto& approval : commit.local_approvals) {
      detail["local_approvals"].push_back(
          {{"name", approval.name}, {"keyid", approval.keyid}, {"sha256", base::sha256(approval.envelope).hex()}});
    }
  }
  if (options.expiry == trust::Expiry::accept) {
    detail["accepted_expired"] = {"timestamp", "snapshot"};
  }
  Remark{options.reason, options.ticket}.add_to(detail);
  return audit_text(detail);
}

// What this site decided, for good: also where a later state lacks it for a while. True: it decided something.
bool keep_decisions(const Commit& commit, const ImportRun& run, base::Time now) {
  const auto& key = commit.proven.key;
  bool changed = false;
  for (const auto& digest : run.options.release) {
    changed = run.state.release(key, digest) || changed;
  }
  for (const auto& digest : run.options.withhold) {
    changed = run.state.withhold(key, digest, now) || changed;
  }
  if (commit.scan != nullptr) {
    for (const auto& refusal : commit.scan->withheld) {
      changed = run.state.withhold(key, refusal.subject.sha256, now) || changed;
    }
  }
  return changed;
}

}  // namespace

void for_each_bundle_row(const bundle::VerifiedBundle& verified, const store::ChannelKey& key,
                         const base::Digest& head_digest, std::uint64_t head_length,
                         const std::function<void(const model::FileRow&)>& visit) {
  // Under a name of their own, so that those of several channels and producers stand beside each other in the catalog.
  const auto folder = fmt::format("{}/{}-{}", key.producer, key.channel, verified.descriptor().serial);
  visit(bundle_row(folder + "/head.airlock", "application/x-tar", head_digest, head_length));
  std::size_t number = 0;
  for (const auto& attachment : verified.attachments()) {
    visit(bundle_row(fmt::format("{}/{}-{}", folder, attachment.kind, ++number), attachment.media_type,
                     attachment.sha256, attachment.length));
  }
}

Committed commit_import(const Commit& commit, const ImportRun& run) {
  auto& state = run.state;
  const auto now = run.clock.now();
  auto change = state.change();
  const auto& trusted = commit.proven.bundle.trusted();
  bundle::save_trusted(state, commit.proven.key, trusted);
  // For receipts and status: the pinned root itself is in no table.
  state.set_role(commit.proven.key, "root", trusted.root_file.bytes);
  const auto generation = commit.adds_generation ? add_generation(commit, now, state) : commit.existing->id;
  Committed done{.generation = generation, .shared_name_count = 0, .shared_names = {}};
  for (const auto& blob : commit.plan.wanted) {
    state.add_blob(blob.sha256, blob.length);
  }
  state.add_blob(commit.head_digest, commit.head_length);
  state.raise_time_floor(commit.proven.bundle.descriptor().created);
  state.raise_last_wall(now);
  if (!commit.existing) {
    state.set_restored(std::nullopt);  // something newer than the backup is here
  }
  state.set_channel_order(run.policy.channel_order);
  state.audit(now, commit.existing ? "import-again" : "import", audit_detail(commit, generation, run));
  const bool decided = keep_decisions(commit, run, now);
  // That a bundle arrived undoes nothing that a person of this site decided.
  const bool activates = commit.adds_generation && run.options.activation == Activation::at_once &&
                         !state.out_of_service(commit.proven.key);
  std::unique_ptr<store::CatalogBuilder> catalog;
  if (activates) {
    state.set_active(generation);
  }
  // What is withheld now is served no longer, also where the new generation is only held.
  if (activates || (decided && state.catalog_number() > 0)) {
    catalog = store::prepare_catalog(state, run.options.home.root);
    done.shared_name_count = catalog->shared_name_count();
    done.shared_names = catalog->shared_names();
  }
  run.step("state-written");
  change.commit();
  run.step("committed");
  if (catalog) {
    catalog->publish();
  }
  run.step("published");
  return done;
}

}  // namespace airlock::workflow
