// The second half of verify_bundle: is everything there that was signed, byte for byte?
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "bundle/authoring.hpp"
#include "workflow/blob_check.hpp"
#include "workflow/bundle_files.hpp"
#include "workflow/import_plan.hpp"
#include "workflow/receipt.hpp"
#include "workflow/verify_parts.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using base::Severity;
using StateBlob = bundle::VerifiedBundle::StateBlob;

constexpr std::size_t k_named_at_most = 20;  // missing blobs that get a finding of their own

void check_targets(const bundle::Head& head, const trust::Targets& role, std::string_view role_name,
                   Findings findings) {
  for (const auto& [path, file] : role.targets) {
    try {
      head.target(path, file);
    } catch (const Error& error) {
      findings.add(error, fmt::format("{} of role '{}'", path, role_name));
    }
  }
}

// What a delta left out, or what is simply missing. The signed digest over the list of omitted blobs tells the two
// apart exactly where everything else is there, and their number tells it otherwise.
void report_absent(const bundle::VerifiedBundle& verified, const bundle::BlobMap& map,
                   const std::vector<StateBlob>& absent, const store::StateDb* state, VerifyReport& report,
                   Findings findings) {
  const auto& shipment = verified.shipment();
  std::vector<base::Digest> digests;
  std::uint64_t bytes = 0;
  std::uint64_t not_in_store = 0;
  for (const auto& blob : absent) {
    digests.push_back(blob.sha256);
    bytes += blob.length;
    if (state == nullptr || !state->has_blob(blob.sha256)) {
      ++not_in_store;
    }
  }
  std::sort(digests.begin(), digests.end());
  report.left_out += std::min<std::uint64_t>(shipment.omitted_blobs, absent.size());
  const auto subject = fmt::format("bundle '{}' {}", shipment.channel, shipment.serial);
  const auto missing_volumes = volumes_not_at_hand(shipment, map);
  const auto set = shipment.volumes.size();

  const bool as_promised =
      shipment.omitted_blobs == absent.size() && (absent.empty() || digest_of_list(digests) == shipment.omitted);
  if (as_promised) {
    if (!absent.empty()) {
      findings.add(Severity::note, ErrorCode::base_missing, subject,
                   fmt::format("a delta: {} blobs ({}) are left out; {}", absent.size(), base::format_bytes(bytes),
                               state == nullptr    ? "the store that imports it must hold them"
                               : not_in_store == 0 ? "this home holds all of them"
                                                   : fmt::format("this home lacks {} of them", not_in_store)));
    }
    if (!missing_volumes.empty()) {
      findings.add(Severity::note, ErrorCode::volume_missing, subject,
                   fmt::format("{} is not here, and nothing in it is missed", name_volumes(missing_volumes, set)));
    }
    return;
  }
  const auto promised = absent.size() - std::min<std::size_t>(absent.size(), shipment.omitted_blobs);
  if (!missing_volumes.empty()) {
    findings.add(Severity::error, ErrorCode::volume_missing, subject,
                 fmt::format("{} is missing, and with it {} blobs; copy it and run this again",
                             name_volumes(missing_volumes, set), promised));
    return;
  }
  findings.add(Severity::error, ErrorCode::volume_missing, subject,
               fmt::format("{} blobs ({}) are missing although {} there; copy the set again", promised,
                           base::format_bytes(bytes), set == 0 ? "the file is" : "every volume seems"));
  if (shipment.omitted_blobs == 0) {
    for (std::size_t i = 0; i < std::min(absent.size(), k_named_at_most); ++i) {
      findings.add(Severity::error, ErrorCode::volume_missing, absent[i].sha256.to_string(), "is missing");
    }
  }
}

// Which file is to be copied again: its whole digest is looked at only now, because reading all bytes twice would
// double the time of every good bundle and tell nothing that the blobs' own digests do not.
void name_damaged_volumes(const bundle::Shipment& shipment, const bundle::BlobMap& map,
                          const std::vector<BlobFailure>& failures, base::ProgressTask& progress, Findings findings) {
  std::set<std::string> files;
  for (const auto& failure : failures) {
    files.insert(failure.file);
  }
  std::set<base::Digest> signed_volumes;
  for (const auto& record : shipment.volumes) {
    signed_volumes.insert(record.sha256);
  }
  for (const auto& volume : map.volumes()) {
    if (!files.contains("'" + base::printable(volume.path.string()) + "'")) {  // as the map names it
      continue;
    }
    const auto place = fmt::format("volume {} of {}", volume.hint.volume, shipment.volumes.size());
    auto fd = std::make_shared<const base::Fd>(base::open_for_reading(volume.path));
    bundle::BlobLocation whole{.extents = {{fd, volume.path.string(), 0, volume.length}}, .length = volume.length};
    const bool as_signed = signed_volumes.contains(hash_location(whole, progress));
    findings.add(Severity::error, ErrorCode::tampered, volume.path.string(),
                 as_signed
                     ? fmt::format("{} reads well as a whole now, so the medium or its reader is unreliable", place)
                     : fmt::format("{} is not what was signed; copy this one file again", place));
  }
}

// Whether index.json is what the signed catalog makes of the blobs in this file; volumes and whatever is incomplete
// promise nothing to other tools.
bool index_follows(const bundle::VerifiedBundle& verified, const bundle::BlobMap& map) {
  using Kind = bundle::Shipment::Kind;
  const auto kind = verified.shipment().kind;
  if (!verified.shipment().volumes.empty() || kind == Kind::metadata ||
      (kind == Kind::delta && promised_and_missing(verified, map) > 0)) {
    return true;
  }
  std::vector<model::FileRow> rows;
  verified.for_each_row([&rows](const model::FileRow& row) {
    if (row.ecosystem == "oci" && row.kind != model::Kind::known) {
      rows.push_back(row);
    }
  });
  const auto present = [&](const base::Digest& sha256) { return kind == Kind::full || map.find(sha256); };
  return bundle::build_oci_index(rows, present) == verified.head().oci_index();
}

}  // namespace

void verify_documents(const bundle::VerifiedBundle& verified, const bundle::BlobMap& map, Findings findings) {
  const auto& head = verified.head();
  check_targets(head, verified.trusted().targets, "targets", findings);
  for (const auto& [name, role] : verified.trusted().delegated) {
    check_targets(head, role, name, findings);
  }
  if (!index_follows(verified, map)) {
    findings.add(Severity::error, ErrorCode::tampered, "index.json",
                 "does not follow from the signed catalog; tools that read the file as an image layout are misled");
  }
}

void verify_blobs(const bundle::VerifiedBundle& verified, const bundle::BlobMap& map, const store::StateDb* state,
                  unsigned threads, base::Reporter& reporter, VerifyReport& report, Findings findings) {
  std::vector<BlobToCheck> here;
  std::vector<StateBlob> absent;
  std::uint64_t bytes = 0;
  for (const auto& blob : verified.blobs()) {
    if (map.find(blob.sha256)) {
      here.push_back({blob.sha256, blob.length});
      bytes += blob.length;
    } else {
      absent.push_back(blob);
    }
  }
  const auto progress = reporter.task("verifying", bytes);
  const auto failures = check_blobs(here, [&map](const BlobToCheck& blob) { return map.find(blob.sha256); }, *progress,
                                    {.threads = threads});
  report.blobs += here.size();
  report.bytes += bytes;
  std::map<base::Digest, std::string> names;
  if (!failures.empty()) {
    for (const auto& failure : failures) {
      names.emplace(failure.blob.sha256, "");
    }
    verified.for_each_row([&names](const model::FileRow& row) {
      if (row.sha256) {
        if (const auto found = names.find(*row.sha256); found != names.end() && found->second.empty()) {
          found->second = row.ecosystem + " " + row.path;
        }
      }
    });
  }
  for (const auto& failure : failures) {
    const auto& name = names.at(failure.blob.sha256);
    findings.add(
        Severity::error, failure.code, failure.blob.sha256.to_string(),
        fmt::format("{}{} (in {})", name.empty() ? "" : base::printable(name) + " ", failure.message, failure.file));
  }
  if (!failures.empty()) {
    name_damaged_volumes(verified.shipment(), map, failures, *progress, findings);
  }
  report_absent(verified, map, absent, state, report, findings);
}

}  // namespace airlock::workflow
