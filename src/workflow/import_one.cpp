#include "workflow/import_one.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "workflow/approved_head.hpp"
#include "workflow/import_scan.hpp"
#include "workflow/revocation.hpp"
#include "workflow/unlisted_blobs.hpp"
#include "workflow/verify.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using base::Severity;
using Outcome = ImportedBundle::Outcome;

std::optional<store::Generation> newest_of(const store::StateDb& state, const store::ChannelKey& key) {
  for (auto& generation : state.generations()) {  // newest first
    if (generation.channel == key) {
      return std::move(generation);
    }
  }
  return std::nullopt;
}

std::optional<store::Generation> generation_of(const store::StateDb& state, const store::ChannelKey& key,
                                               std::string_view bundle_id) {
  for (auto& generation : state.generations()) {
    if (generation.channel == key && generation.bundle_id == bundle_id) {
      return std::move(generation);
    }
  }
  return std::nullopt;
}

// What this side does not want: named now, withheld by an earlier import and not released, or revoked.
std::set<base::Digest> digests_to_leave(const bundle::VerifiedBundle& verified, const store::ChannelKey& key,
                                        const ImportRun& run) {
  auto left = run.state.withheld(key);
  std::erase_if(left, [&run](const base::Digest& digest) { return run.options.release.contains(digest); });
  left.insert(run.options.withhold.begin(), run.options.withhold.end());
  const Revocations revoked(without_overridden(verified.revoked(), run.state, key));
  if (!left.empty() || !revoked.empty()) {
    std::set<base::Digest> in_state;
    verified.for_each_row([&](const model::FileRow& row) {
      if (!row.sha256) {
        return;
      }
      if (revoked.find(row) != nullptr) {
        left.insert(*row.sha256);
      }
      if (left.contains(*row.sha256)) {
        in_state.insert(*row.sha256);
      }
    });
    for (const auto& digest : run.options.withhold) {
      if (!in_state.contains(digest)) {
        throw Error(ErrorCode::usage,
                    fmt::format("{} is not in this bundle, so it cannot be withheld", digest.to_string()))
            .with_hint("`airlock bundle inspect BUNDLE --json` lists its digests");
      }
    }
    left = std::move(in_state);
  }
  return left;
}

// What the rows of a generation leave out and this import does not: a person has released it since, or overridden its
// revocation.
bool leaves_out_more(const std::optional<store::Generation>& existing, const std::set<base::Digest>& left,
                     const store::StateDb& state) {
  bool more = false;
  if (existing && state.count_rows(existing->id, model::Kind::withheld) > 0) {
    state.for_each_row(existing->id, [&](const model::FileRow& row) {
      more = more || (row.kind == model::Kind::withheld && row.sha256 && !left.contains(*row.sha256));
    });
  }
  return more;
}

// The accepted head as a blob: bytes of our own making from the private copy, never a second look at the medium.
std::pair<base::Digest, std::uint64_t> store_head(const bundle::Head& head, const store::BlobStore& blobs) {
  base::NullSink nowhere;
  base::HashingSink hashing(nowhere);
  head.write_alone(hashing);  // twice, since a large one is not to stand in memory a second time
  const auto length = hashing.count();
  const auto digest = hashing.finish();
  if (!blobs.file_exists(digest, length) || !blobs.recheck(digest, length)) {
    store::BlobStore::Writer writer(blobs, digest, length);
    head.write_alone(writer);
    writer.finish();
  }
  return {digest, length};
}

// Each sending that is looked through lists its folders, which anyone may have filled with heads.
constexpr std::size_t k_most_sendings = 64;

// Other sendings of the same state, whose blobs are as good: what a need list was answered with lacks what its own
// bundle had brought. Their heads say nothing that counts here but which state they are of, since each blob is known by
// its digest. True: there are some.
bool add_other_sendings(std::vector<bundle::BlobMap>& maps, const bundle::HeadCandidate& candidate,
                        const bundle::VerifiedBundle& verified, const ImportRun& run) {
  const auto& descriptor = verified.descriptor();
  for (const bundle::HeadCandidate& other : run.heads) {
    if (other.path == candidate.path || other.hint.channel != descriptor.channel ||
        other.hint.serial != descriptor.serial) {
      continue;
    }
    if (maps.size() > k_most_sendings) {
      run.reporter.warning(fmt::format("of the sendings of bundle '{}' {} only {} beside it were looked through",
                                       descriptor.channel, descriptor.serial, k_most_sendings));
      break;
    }
    try {
      const auto head = bundle::Head::read(other.path);
      if (trust::identity(bundle::snapshot_of(head).file).hex() == verified.bundle_id()) {
        maps.push_back(bundle::BlobMap::scan(head, run.files.folders, verified.blobs()));
      }
    } catch (const Error& error) {
      if (error.code() == ErrorCode::interrupted) {
        throw;
      }
      run.reporter.note(fmt::format("nothing is taken from {}: {}", other.path.string(), error.message()));
    }
  }
  return maps.size() > 1;
}

ArtifactChanges changes_since(const std::optional<store::Generation>& before, const bundle::VerifiedBundle& verified,
                              const store::StateDb& state) {
  ArtifactList old_list;
  ArtifactList new_list;
  if (before) {
    state.for_each_row(before->id, [&old_list](const model::FileRow& row) {
      if (row.ecosystem != k_bundle_ecosystem) {
        old_list.add(row);
      }
    });
  }
  verified.for_each_row([&new_list](const model::FileRow& row) { new_list.add(row); });
  return compare(old_list, new_list);
}

// Step 13, the last question: do this site's own people agree? What was verified is kept, so that the same command goes
// on when they do.
std::vector<CountedApproval> count_officers(const bundle::VerifiedBundle& verified, const Officers& officers,
                                            const ApprovedFor& what, const ImportRun& run,
                                            std::vector<base::Finding>& notes) {
  LocalCount count = count_local_approvals(verified, officers, run.files, run.options.home, what);
  for (const auto& finding : count.findings) {
    notes.push_back({Severity::note, finding.code, finding.subject, finding.message});
  }
  if (!count.complete()) {
    run.blobs.sync();
    std::vector<std::string> named;
    std::ranges::transform(count.approved, std::back_inserter(named), &CountedApproval::name);
    for (const auto& finding : count.findings) {
      run.reporter.warning(fmt::format("{} {}", finding.subject, finding.message));
    }
    throw Error(
        ErrorCode::approval_missing,
        fmt::format("{} of {} officers of this site have approved {}bundle '{}' {}{}; it is proven and complete, and "
                    "nothing of it is visible yet",
                    count.approved.size(), count.needed, what.expired_since ? "that it has expired, of " : "",
                    verified.descriptor().channel, verified.descriptor().serial,
                    named.empty() ? "" : fmt::format(" ({})", base::join(named, ", "))))
        .with_hint(fmt::format("let {} run `airlock bundle approve BUNDLE --key KEY{}`, then run the same command "
                               "again",
                               base::join(count.missing, " or "), what.expired_since ? " --accept-expired" : ""));
  }
  keep_local_approvals(verified, count, run.options.home, what);
  return count.approved;
}

// Whoever approved what is here already is not asked again for what only refreshes it; but that something has expired,
// and comes in all the same, is a matter of its own.
std::vector<CountedApproval> local_approvals_of(const ProvenHead& proven, bool is_new, const ImportRun& run,
                                                std::vector<base::Finding>& notes) {
  std::vector<CountedApproval> all;
  if (is_new && run.officers != nullptr) {
    all = count_officers(proven.bundle, *run.officers, {}, run, notes);
  }
  const auto since = expired_since(proven.bundle.trusted(), proven.now);
  if (since && run.officers_of_expired != nullptr) {
    for (auto& one : count_officers(proven.bundle, *run.officers_of_expired, {since}, run, notes)) {
      if (std::ranges::find(all, one.keyid, &CountedApproval::keyid) == all.end()) {
        all.push_back(std::move(one));
      }
    }
  }
  return all;
}

// An older statement of a state that is here: nothing of it is taken, and nothing of it was proven.
ImportedBundle nothing_to_do(const bundle::HeadCandidate& candidate, const store::Generation& here) {
  ImportedBundle result;
  result.outcome = Outcome::nothing_to_do;
  result.head = candidate.path;
  result.producer = here.channel.producer;
  result.channel = here.channel.channel;
  result.serial = here.serial;
  result.bundle_id = here.bundle_id;
  result.generation = here.id;
  result.active = here.active;
  result.artifacts = here.artifacts;
  return result;
}

// A draft that something refused was to approve is more than a draft.
ProvenHead prove_approved(const ApprovedHead& opened, const ImportRun& run) {
  try {
    return prove_head(opened.head, run);
  } catch (const Error& error) {
    throw opened.explain(error);
  }
}

}  // namespace

ImportedBundle import_one(const bundle::HeadCandidate& candidate, const ImportRun& run,
                          std::vector<base::Finding>& notes) {
  const auto opened = read_approved_head(candidate.path, run.files);
  const auto& head = opened.head;
  std::optional<ProvenHead> newer;
  try {
    newer = prove_approved(opened, run);
  } catch (const Error& error) {
    if (const auto here = here_already(head, error, run)) {
      auto result = nothing_to_do(candidate, *here);
      result.out_of_service = run.state.out_of_service(here->channel);
      return result;
    }
    throw;
  }
  const ProvenHead& proven = *newer;
  const auto& verified = proven.bundle;
  run.step("head-proven");
  apply_revocations(proven, run);

  const auto before = newest_of(run.state, proven.key);
  const auto existing = generation_of(run.state, proven.key, verified.bundle_id());
  auto left = digests_to_leave(verified, proven.key, run);
  std::vector<bundle::BlobMap> maps = {bundle::BlobMap::scan(head, run.files.folders, verified.blobs())};
  const bundle::BlobMap map = maps.front();
  refuse_unlisted_in_head_file(map);
  if (const std::string words = tell_of_unlisted(map); !words.empty()) {
    notes.push_back({Severity::note, ErrorCode::foreign, candidate.path.filename().string(), words});
  }
  auto plan = plan_import(verified, maps, run.state, run.blobs, left);
  if (!plan.absent.empty() && add_other_sendings(maps, candidate, verified, run)) {
    plan = plan_import(verified, maps, run.state, run.blobs, left);
  }
  run.step("planned");
  ImportScan scan(verified, run);
  scan.recall(plan, left);

  ImportedBundle result;
  result.head = candidate.path;
  result.producer = proven.key.producer;
  result.channel = proven.key.channel;
  result.serial = verified.descriptor().serial;
  result.bundle_id = verified.bundle_id();
  result.artifacts = verified.descriptor().artifacts;
  result.approvals = verified.approvals();
  result.expiries = expiries_of(verified.trusted());
  result.blobs_present = plan.present;
  result.withheld = left.size();
  result.out_of_service = run.state.out_of_service(proven.key);
  if (before) {
    result.previous_serial = before->serial;
  }
  for (const auto* findings : {&opened.findings, &map.findings()}) {
    for (const auto& finding : *findings) {
      if (finding.severity == Severity::note) {
        run.reporter.note(fmt::format("{} {}", finding.subject, finding.message));
      } else {
        notes.push_back({Severity::note, finding.code, finding.subject, finding.message});
      }
    }
  }

  const bool changes_choice =
      !run.options.withhold.empty() || !run.options.release.empty() || leaves_out_more(existing, left, run.state);
  const bool head_is_here =
      existing && !existing->unproven && run.state.has_blob(base::Digest::parse_sha256_hex(existing->head_digest));
  if (head_is_here && plan.wanted.empty() && verified.trusted().same_timestamp && !changes_choice) {
    result.outcome = Outcome::nothing_to_do;
    result.generation = existing->id;
    result.active = existing->active;
    return result;
  }
  if (!existing) {
    check_rows(verified, proven.key, run);
    result.changes = changes_since(before, verified, run.state);
  }

  const auto taken = take_content(verified, maps, plan, left, run);
  run.step("blobs-stored");
  scan.scan(plan, left);
  run.step("scanned");
  result.scan = scan.outcome();
  result.withheld = left.size();
  const auto local = local_approvals_of(proven, !existing, run, notes);
  base::Digest head_digest;
  std::uint64_t head_length = 0;
  std::uint64_t head_written = 0;
  if (head_is_here) {
    head_digest = base::Digest::parse_sha256_hex(existing->head_digest);
    head_length = run.state.blob_length(head_digest).value_or(0);
  } else {
    std::tie(head_digest, head_length) = store_head(head, run.blobs);
    head_written = head_length;
  }
  {
    const auto progress = run.reporter.task("writing to disk", 0);
    run.blobs.sync();
  }
  run.step("synced");
  base::throw_if_interrupted();  // from here on it is finished rather than given up

  Commit commit{.proven = proven, .plan = plan, .left = left, .existing = existing};
  // A state that is here already gets a generation of its own only where its rows or its head would differ.
  commit.adds_generation = !existing || !head_is_here || changes_choice || scan.withheld_any();
  commit.scan = &scan.outcome();
  commit.head_digest = head_digest;
  commit.head_length = head_length;
  commit.local_approvals = local;
  std::ranges::transform(local, std::back_inserter(result.local_approvals), &CountedApproval::name);
  auto committed = commit_import(commit, run);
  result.generation = committed.generation;
  result.shared_name_count = committed.shared_name_count;
  result.shared_names = std::move(committed.shared_names);
  result.outcome = existing ? Outcome::refreshed : Outcome::imported;
  result.active = run.state.generation(result.generation)->active;
  result.blobs_new = plan.wanted.size();
  result.bytes_written = taken.bytes + head_written;
  return result;
}

}  // namespace airlock::workflow
