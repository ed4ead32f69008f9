#include "workflow/approve.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "bundle/authoring.hpp"
#include "bundle/blob_map.hpp"
#include "bundle/inspection.hpp"
#include "bundle/layout.hpp"
#include "ecosystem/ecosystem.hpp"
#include "trust/detached_signature.hpp"
#include "workflow/approve_keep.hpp"
#include "workflow/base_state.hpp"
#include "workflow/blob_plan.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/named_keys.hpp"
#include "workflow/newer_root.hpp"
#include "workflow/patient_lock.hpp"
#include "workflow/readback.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Digest;
using base::Error;
using base::ErrorCode;

constexpr std::size_t k_short_keyid = 8;  // hex digits, the least by which a key may be named

ApproveReport report_of(const Draft& draft) {
  ApproveReport report;
  report.bundle = draft.head.file();
  report.channel = draft.proof.descriptor.channel;
  report.serial = draft.proof.descriptor.serial;
  report.bundle_id = draft.proof.bundle_id;
  const bundle::ApprovalCount count = draft.count();
  report.approvals = count.approved.size();
  report.threshold = count.threshold;
  report.approved = count.approved;
  report.missing = count.missing;
  report.notes = draft.notes;
  return report;
}

ApproveReport keep_signatures(const Home& home, Draft& draft, const bundle::Approval& approval,
                              const ApprovalOutput& output, const base::Clock& clock, base::Reporter& reporter) {
  const HeadLock lock(draft.head.file());
  take_up_changes(draft);
  const auto added = bundle::merge_approval(draft.snapshot, approval, draft.root());
  draft.update_contents();
  ApproveReport report = report_of(draft);
  report.added = added.size();
  const base::Time now = base::build_time(clock);
  if (output.form == ApprovalOutput::Form::this_alone) {
    write_approvals(approval_file(draft, output), approval, draft, output.form);
    report.written = approval_file(draft, output);
  } else if (!added.empty() || !output.file.empty()) {
    report.written = keep(home, draft, output, std::nullopt, now, reporter);
  } else if (can_store_head(draft)) {
    refresh_set(draft.head.file(), home, now, reporter);  // an earlier run may have come no further than the head
  }
  return report;
}

bundle::Approval empty_approval(const Draft& draft) {
  return {.channel = draft.proof.descriptor.channel,
          .serial = draft.proof.descriptor.serial,
          .version = draft.snapshot.value.version,
          .bundle_id = draft.proof.bundle_id,
          .signatures = {},
          .seal = {}};
}

Error no_approver(const Draft& draft, std::string what) {
  std::vector<std::string> keyids;
  for (const std::string& keyid : draft.root().roles.at("snapshot").keyids) {
    keyids.push_back(keyid.substr(0, 12));
  }
  return Error(ErrorCode::untrusted, fmt::format("{} under root version {}", std::move(what), draft.root().version))
      .with_hint(fmt::format("the keys that may approve are {}", base::join(keyids, ", ")));
}

bool is_approver(const Draft& draft, const std::string& keyid) {
  const auto& keyids = draft.root().roles.at("snapshot").keyids;
  return std::ranges::find(keyids, keyid) != keyids.end();
}

// The volumes of the set in order, hashed.
std::vector<bundle::VolumeRecord> volume_records(const bundle::BlobMap& map, base::Reporter& reporter) {
  auto files = map.volumes();
  std::ranges::sort(files, {}, [](const auto& file) { return file.hint.volume; });
  std::vector<fs::path> paths;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].hint.volume != i + 1) {
      throw Error(ErrorCode::volume_missing, fmt::format("volume {} of the draft is not beside its head", i + 1))
          .with_hint("put all volumes into the folder of the head, then run the same command again");
    }
    paths.push_back(files[i].path);
  }
  std::vector<bundle::VolumeRecord> records;
  const auto digests = hash_files(paths, Cache::use, reporter);
  for (std::size_t i = 0; i < files.size(); ++i) {
    records.push_back({.length = files[i].length, .sha256 = digests[i].sha256});
  }
  return records;
}

// What travels, told from what lies there.
bundle::Shipment shipment_of(const Draft& draft, const std::vector<fs::path>& folders, const Home& home,
                             base::Reporter& reporter) {
  const auto written = ChannelState(home, draft.proof.descriptor.channel).bundles();
  const auto known = std::ranges::find(written, draft.contents.hint.set, &WrittenBundle::set);
  const auto map = bundle::BlobMap::scan(draft.head, folders);
  bundle::Shipment shipment;
  shipment.number = bundle::k_first_shipment;
  shipment.volumes = volume_records(map, reporter);
  if (shipment.volumes.size() != draft.contents.hint.volumes) {
    throw Error(ErrorCode::volume_missing, fmt::format("{} of {} volumes of the draft are beside its head",
                                                       shipment.volumes.size(), draft.contents.hint.volumes))
        .with_hint("put all volumes into the folder of the head, then run the same command again");
  }
  map.for_each([&](const Digest&, const bundle::BlobLocation& location) {
    ++shipment.blobs;
    shipment.bytes += location.length;
  });
  std::vector<Digest> omitted = state_digests(draft.contents);
  std::erase_if(omitted, [&map](const Digest& digest) { return map.find(digest).has_value(); });
  shipment.omitted_blobs = omitted.size();
  shipment.omitted = bundle::omitted_digest(omitted);
  if (known != written.end()) {
    shipment.bases = known->bases;
  }
  const bool delta = !omitted.empty() || !shipment.bases.empty();
  shipment.kind = shipment.blobs == 0 && delta ? bundle::Shipment::Kind::metadata
                  : delta                      ? bundle::Shipment::Kind::delta
                                               : bundle::Shipment::Kind::full;
  return shipment;
}

// What is given to `seal`: a file of approvals, or a head that somebody signed elsewhere. `before`: the root that the
// draft was made under, where a newer one is in force.
void take_approval(Draft& draft, const fs::path& file, const std::optional<trust::Root>& before, std::uint64_t& added,
                   base::Reporter& reporter) {
  base::with_context([&] { return "taking the approval " + file.string(); },
                     [&] {
                       bundle::Approval approval;
                       if (bundle::is_approval_file(file)) {
                         approval = bundle::read_approval(file);
                       } else {
                         const bundle::Head head = bundle::Head::read(file);
                         approval = bundle::approvals_in(bundle::snapshot_of(head), draft.root(), head.hint().serial);
                       }
                       const std::size_t replaced = before ? leave_out_replaced(approval, draft, *before) : 0;
                       const auto fresh = bundle::merge_approval(draft.snapshot, approval, draft.root());
                       added += fresh.size();
                       if (replaced > 0) {
                         reporter.warning(fmt::format("{} has the signature of a key that may approve no more under "
                                                      "root version {}, so that one does not count",
                                                      file.string(), draft.root().version));
                       } else if (fresh.empty()) {
                         draft.notes.push_back({base::Severity::note, ErrorCode::conflict, file.string(),
                                                "brings no approval that was not there before; each key counts once"});
                       }
                     });
}

Error approvals_missing(const ApproveReport& report) {
  std::vector<std::string> missing;
  for (const std::string& keyid : report.missing) {
    missing.push_back(keyid.substr(0, 12));
  }
  return Error(ErrorCode::approval_missing,
               fmt::format("{} of {} people have approved {}; not yet: {}", report.approvals, report.threshold,
                           report.bundle.string(), base::join(missing, ", ")))
      .with_hint("let another approver run `airlock bundle sign`, then seal it");
}

// A head that this home has sealed, by a run that may have come no further: what lies beside it is brought up to date.
// nullopt: it is a draft, of another home, or on a medium that is closed.
std::optional<ApproveReport> end_sealing(const bundle::Head& head, const Home& home, base::Time now,
                                         base::Reporter& reporter) {
  if (head.shipment().empty() || !ChannelState(home, head.hint().channel).find(bundle_id_of(head.contents())) ||
      !can_write(head.file())) {
    return std::nullopt;
  }
  const bundle::VerifiedBundle verified = verify_own_head(head, home);
  const HeadLock lock(head.file());
  refresh_set(head.file(), home, now, reporter);
  reporter.say(fmt::format("{} was sealed before; what lies beside it is up to date", head.file().string()));
  ApproveReport report;
  report.bundle = head.file();
  report.written = head.file();
  report.channel = verified.descriptor().channel;
  report.serial = verified.descriptor().serial;
  report.bundle_id = verified.bundle_id();
  const auto count = bundle::count_approvals(bundle::snapshot_of(head).file, verified.trusted().root);
  report.approvals = count.approved.size();
  report.threshold = count.threshold;
  report.approved = count.approved;
  report.missing = count.missing;
  report.sealed = true;
  return report;
}

// With the timestamp that an interrupted run made, where there is one: no two may share a version.
void seal_contents(Draft& draft, const bundle::Shipment& shipment, const Home& home, const KeyRing& keys,
                   base::Time now) {
  const ChannelState channel(home, draft.proof.descriptor.channel);
  if (const auto known = channel.find(draft.proof.bundle_id)) {
    if (auto timestamp = known->metadata("timestamp.json")) {
      draft.contents.metadata["timestamp.json"] = std::move(*timestamp);
    }
  }
  const auto sending = channel.last_sending(draft.proof.bundle_id);
  const bool may_be_sealed = sending && !sending->newest;
  bundle::seal(draft.contents, shipment, now, keys.signing_set(),
               may_be_sealed ? bundle::Timestamping::renew : bundle::Timestamping::keep_fresh,
               may_be_sealed ? k_sendings_skipped : 0);
  if (may_be_sealed) {
    channel.set_last_sending(draft.proof.bundle_id,
                             {.shipment = shipment.number, .timestamp = draft.contents.metadata.at("timestamp.json")});
  }
}

// What does not fit into approvals beside a head: anything else that the seal would change in it.
void require_same_head(const bundle::HeadContents& sealed, const bundle::Head& head) {
  const bundle::HeadContents now = head.contents();
  if (sealed.hint != now.hint || sealed.oci_index != now.oci_index || sealed.targets != now.targets) {
    throw Error(ErrorCode::conflict, "the seal would change the head itself, which cannot be written, or -o was given")
        .with_hint(hint_to_seal_on_disk(head));
  }
}

}  // namespace

const std::string& tbs_of(const Draft& draft) {
  return draft.snapshot.file.canonical;
}

std::string review_text(const Draft& draft, const std::optional<bundle::Head>& before, const std::string& root,
                        const Home& home, base::Time now) {
  bundle::Inspection inspection = bundle::inspect(draft.head, now, ecosystem::belongs);
  inspection.names = known_names(home);
  inspection.root_is_trusted(root);
  std::optional<bundle::InspectionDiff> diff;
  if (before) {
    diff = bundle::compare(bundle::inspect(*before, now, ecosystem::belongs), inspection);
  }
  return bundle::render_text(inspection, diff ? &*diff : nullptr, bundle::Detail::summary);
}

ApproveReport sign_draft(const Home& home, Draft& draft, const std::vector<const trust::Signer*>& signers,
                         const ApprovalOutput& output, const base::Clock& clock, base::Reporter& reporter) {
  bundle::Approval approval = empty_approval(draft);
  for (const trust::Signer* const signer : signers) {
    const trust::PublicKey& key = signer->public_key();
    if (!is_approver(draft, key.keyid())) {
      throw no_approver(draft, fmt::format("key {} is no approver's", key.keyid().substr(0, 12)));
    }
    approval.signatures.push_back({.keyid = key.keyid(), .scheme = key.scheme(), .sig = signer->sign(tbs_of(draft))});
  }
  std::ranges::sort(approval.signatures, {}, &bundle::Approval::Signed::keyid);
  return keep_signatures(home, draft, approval, output, clock, reporter);
}

ApproveReport add_raw_signature(const Home& home, Draft& draft, std::string_view signature, std::string_view keyid,
                                const ApprovalOutput& output, const base::Clock& clock, base::Reporter& reporter) {
  if (!keyid.empty() && keyid.size() < k_short_keyid) {
    throw Error(ErrorCode::usage, fmt::format("a key is named by {} or more digits of its keyid", k_short_keyid));
  }
  bundle::Approval approval = empty_approval(draft);
  for (const std::string& listed : draft.root().roles.at("snapshot").keyids) {
    const auto key = draft.root().keys.find(listed);
    if (!approval.signatures.empty() || key == draft.root().keys.end() || !listed.starts_with(keyid)) {
      continue;
    }
    if (auto sig = trust::as_signature(key->second, tbs_of(draft), signature)) {
      approval.signatures.push_back({.keyid = listed, .scheme = key->second.scheme(), .sig = std::move(*sig)});
    }
  }
  if (approval.signatures.empty()) {
    throw no_approver(draft, keyid.empty() ? "the signature is by no approver's key over this bundle"
                                           : fmt::format("the signature is not by key {}", base::printable(keyid, 64)));
  }
  return keep_signatures(home, draft, approval, output, clock, reporter);
}

ApproveReport seal_bundle(const Home& home, const SealOptions& options, const OpenRing& open_ring,
                          const base::Clock& clock, base::Reporter& reporter) {
  const base::Time now = base::build_time(clock);
  const bundle::Head head = read_whole_head(options.bundle);
  if (options.output.empty()) {
    if (auto report = end_sealing(head, home, now, reporter)) {
      return *report;
    }
  }
  bundle::ApprovalPlaces places{.folders = options.folders, .files = {}};
  if (!options.output.empty()) {
    places.files.push_back(options.output);
  }
  const auto roots = read_own_roots(home);
  const auto before = older_root(head, roots);
  const HeadFile file = options.output.empty() && can_write(head.file()) ? HeadFile::open : HeadFile::closed;
  Draft draft = open_under_newest(head, std::move(places), roots, file, clock.now());
  if (const auto warning = future_warning(draft, clock.now())) {
    reporter.warning(*warning);
  }
  std::uint64_t added = 0;
  for (const fs::path& approval : options.approvals) {
    take_approval(draft, approval, before, added, reporter);
  }
  draft.update_contents();
  const KeyRing* ring = nullptr;
  std::optional<bundle::Shipment> shipment;
  if (draft.count().complete()) {
    ring = &open_ring();
    shipment = shipment_of(draft, options.folders, home, reporter);  // reads all of it: not under the lock
  }
  const HeadLock lock(draft.head.file());
  take_up_changes(draft);
  const ApprovalOutput output{.form = ApprovalOutput::Form::with_all, .file = options.output};
  ApproveReport report = report_of(draft);
  report.added = added;
  if (!draft.count().complete()) {
    const bool brings_roots = before && file == HeadFile::open;  // so that those who may approve now can
    if (added > 0 || brings_roots) {
      keep(home, draft, output, std::nullopt, now, reporter);
    }
    // An earlier run may have brought the roots, and the cause is the same.
    const auto then = before ? before : root_of_replaced_approvals(draft, roots);
    const HeadFile taking = before ? file : HeadFile::open;
    const auto outdated = then ? approvals_outdated(draft, *then, taking) : std::nullopt;
    Error missing = outdated ? *outdated : approvals_missing(report);
    if (const auto hint = then && taking == HeadFile::open ? hint_to_carry_again(draft, *then) : std::nullopt) {
      missing.with_hint(*hint);
    }
    throw missing;
  }
  if (!shipment) {
    ring = &open_ring();
    shipment = shipment_of(draft, options.folders, home, reporter);
  }
  seal_contents(draft, *shipment, home, *ring, now);
  if (file == HeadFile::closed) {
    require_same_head(draft.contents, draft.head);
  }
  require_good_for_sites(draft, file, home);
  const bundle::Approval::Seal seal{.timestamp = draft.contents.metadata.at("timestamp.json"),
                                    .shipment = draft.contents.shipment};
  report.written = keep(home, draft, output, seal, now, reporter);
  report.sealed = true;
  return report;
}

ApproveReport seal_bundle(const Home& home, const SealOptions& options, const KeyRing& keys, const base::Clock& clock,
                          base::Reporter& reporter) {
  return seal_bundle(
      home, options, [&keys]() -> const KeyRing& { return keys; }, clock, reporter);
}

std::uint64_t write_head_alone(const fs::path& bundle, const fs::path& output) {
  const bundle::Head head = bundle::Head::read(bundle);
  std::error_code ignored;
  if (fs::exists(output, ignored)) {
    throw Error(ErrorCode::conflict, fmt::format("{} exists already", output.string()))
        .with_hint("name another file with -o");
  }
  const auto bytes = bundle::build_head(head.contents(), std::nullopt, bundle::HeadEnd::alone).value();
  base::write_file_atomic(output, bytes);
  return bytes.size();
}

}  // namespace airlock::workflow
