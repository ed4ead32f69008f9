#include "workflow/approve.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "bundle/authoring.hpp"
#include "bundle/blob_map.hpp"
#include "bundle/layout.hpp"
#include "workflow/blob_plan.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/draft.hpp"
#include "workflow/readback.hpp"
#include "workflow/transfer_form.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Digest;
using base::Error;
using base::ErrorCode;

constexpr std::size_t k_sums_limit = 16u << 20;  // bytes
constexpr std::size_t k_hex_digits = 64;         // of a SHA-256

ApproveReport report_of(const Draft& draft) {
  ApproveReport report;
  report.bundle = draft.head.file();
  report.channel = draft.contents.hint.channel;
  report.serial = draft.contents.hint.serial;
  report.bundle_id = trust::identity(draft.snapshot).hex();
  const trust::RoleKeys& approvers = draft.root.roles.at("snapshot");
  report.approvals = trust::count_signers(draft.snapshot, approvers, draft.root.keys);
  report.threshold = approvers.threshold;
  return report;
}

// Adds the signature when the key is an approver's and has not signed yet.
bool add_approval(Draft& draft, const trust::Signer& signer) {
  const auto& keyids = draft.root.roles.at("snapshot").keyids;
  const std::string& keyid = signer.public_key().keyid();
  if (std::ranges::find(keyids, keyid) == keyids.end() ||
      std::ranges::find(draft.snapshot.signatures, keyid, &trust::Signature::keyid) !=
          draft.snapshot.signatures.end()) {
    return false;
  }
  std::string bytes = trust::add_signature(draft.snapshot, signer);
  draft.snapshot = trust::parse_signed(bytes, draft.snapshot_name, trust::k_metadata_ceiling);
  draft.contents.metadata[draft.snapshot_name] = std::move(bytes);
  return true;
}

// What lies beside a bundle says how far it is approved: the transfer form, and the checksums of everything.
void refresh_set(const fs::path& head, const std::optional<bundle::Head>& before, base::Time now,
                 base::Reporter& reporter) {
  const auto beside = [&](std::string_view extension) { return fs::path(head).replace_extension(extension); };
  std::error_code ignored;
  if (fs::exists(beside(".txt"), ignored) && fs::exists(beside(".html"), ignored)) {
    const TransferForm form = make_transfer_form(bundle::Head::read(head), before, now);
    base::write_file_atomic(beside(".txt"), form.text);
    base::write_file_atomic(beside(".html"), form.html);
  }
  auto sums = base::read_file_if_exists(beside(".sha256"), k_sums_limit);
  if (!sums) {
    return;
  }
  for (const fs::path& file : {head, beside(".txt"), beside(".html")}) {
    const std::string line_end = "  " + file.filename().string() + "\n";
    const std::size_t end = sums->find(line_end);
    if (end != std::string::npos && end >= k_hex_digits) {
      sums->replace(end - k_hex_digits, k_hex_digits, hash_files({file}, Cache::use, reporter).front().sha256.hex());
    }
  }
  base::write_file_atomic(beside(".sha256"), *sums);
}

void store(const Home& home, const Draft& draft, base::Time now, base::Reporter& reporter) {
  store_head(draft);
  const ChannelState channel(home, draft.contents.hint.channel);
  refresh_set(draft.head.file(), channel.before_last(), now, reporter);
  if (const auto last = channel.last();
      last && bundle_id_of(last->contents()) == trust::identity(draft.snapshot).hex()) {
    channel.set_last(draft.contents);
  }
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
bundle::Shipment shipment_of(const Draft& draft, const WrittenBundle* written, base::Reporter& reporter) {
  const auto map = bundle::BlobMap::scan(draft.head, {});
  bundle::Shipment shipment;
  shipment.number = std::max<std::uint64_t>(draft.contents.hint.shipment, 1);
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
  std::vector<Digest> omitted;
  for (const model::FileRow& row : rows_of(draft.contents)) {
    if (has_blob(row) && !map.find(*row.sha256)) {
      omitted.push_back(*row.sha256);
    }
  }
  std::ranges::sort(omitted);
  omitted.erase(std::unique(omitted.begin(), omitted.end()), omitted.end());
  shipment.omitted_blobs = omitted.size();
  shipment.omitted = bundle::omitted_digest(omitted);
  if (written != nullptr) {
    shipment.bases = written->bases;
  }
  const bool delta = !omitted.empty() || !shipment.bases.empty();
  shipment.kind = delta ? bundle::Shipment::Kind::delta : bundle::Shipment::Kind::full;
  return shipment;
}

}  // namespace

ApproveReport sign_bundle(const Home& home, const fs::path& bundle, const std::vector<std::string>& roots,
                          const KeyRing* ring, const trust::Signer* key, const base::Clock& clock,
                          base::Reporter& reporter) {
  Draft draft = open_draft(bundle, roots);
  std::uint64_t added = 0;
  if (key != nullptr) {
    const auto& keyids = draft.root.roles.at("snapshot").keyids;
    if (std::ranges::find(keyids, key->public_key().keyid()) == keyids.end()) {
      throw Error(ErrorCode::untrusted, "that key is no approver's under this home's root")
          .with_hint("`airlock keys show` lists the keys that may approve (role snapshot)");
    }
    added += add_approval(draft, *key) ? 1U : 0U;
  } else {
    const auto set = ring != nullptr ? ring->signing_set() : bundle::SigningSet();
    const auto approvers = set.signers.find("snapshot");
    if (approvers == set.signers.end()) {
      throw Error(ErrorCode::config, "no approver's key (role snapshot) is in this home")
          .with_hint("name its file with --key");
    }
    for (const trust::Signer* signer : approvers->second) {
      added += add_approval(draft, *signer) ? 1U : 0U;
    }
  }
  if (added > 0) {
    store(home, draft, base::build_time(clock), reporter);
  }
  ApproveReport report = report_of(draft);
  report.added = added;
  return report;
}

ApproveReport seal_bundle(const Home& home, const fs::path& bundle, const KeyRing& keys, const base::Clock& clock,
                          base::Reporter& reporter) {
  Draft draft = open_draft(bundle, keys.roots());
  ApproveReport report = report_of(draft);
  if (report.approvals < report.threshold) {
    throw Error(ErrorCode::approval_missing, fmt::format("{} of {} people have approved {}", report.approvals,
                                                         report.threshold, report.bundle.string()))
        .with_hint("let another approver run `airlock bundle sign`, then seal it");
  }
  const auto written = ChannelState(home, report.channel).bundles();
  const auto known = std::ranges::find(written, draft.contents.hint.set, &WrittenBundle::set);
  const bundle::Shipment shipment = shipment_of(draft, known == written.end() ? nullptr : &*known, reporter);
  if (shipment.kind == bundle::Shipment::Kind::delta && shipment.omitted_blobs > 0 && known == written.end()) {
    reporter.warning(
        fmt::format("{} blobs of the state are not in this bundle; it is sealed as a delta", shipment.omitted_blobs));
  }
  const base::Time now = base::build_time(clock);
  bundle::seal(draft.contents, shipment, now, keys.signing_set());
  store(home, draft, now, reporter);
  report.sealed = true;
  return report;
}

}  // namespace airlock::workflow
