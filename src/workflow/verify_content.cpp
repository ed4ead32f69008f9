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
#include "workflow/other_copies.hpp"
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
      report.lacking += state == nullptr ? 0 : not_in_store;
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

// Of which blobs another copy is good, in the files that are not `changed`.
std::set<base::Digest> good_elsewhere(const bundle::BlobMap& map, const std::vector<BlobFailure>& failures,
                                      const std::set<std::string>& changed, base::ProgressTask& progress) {
  std::set<base::Digest> good;
  if (changed.empty()) {
    return good;
  }
  std::optional<bundle::BlobMap> again_found;
  try {
    again_found = map.without(changed);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;
    }
    return good;  // what cannot be looked at any more holds no good copy
  }
  const bundle::BlobMap& others = *again_found;
  std::vector<BlobToCheck> again;
  for (const BlobFailure& failure : failures) {
    if (others.find(failure.blob.sha256)) {
      again.push_back(failure.blob);
      good.insert(failure.blob.sha256);
    }
  }
  const auto still = check_blobs(
      again, [&others](const BlobToCheck& blob) { return others.find(blob.sha256); }, progress);
  for (const BlobFailure& failure : still) {
    good.erase(failure.blob.sha256);
  }
  return good;
}

// Of the files with parts of it those that changed, else the one with its beginning.
std::set<std::string> damaged_in(const BlobFailure& failure, const bundle::BlobMap& map,
                                 const std::set<std::string>& changed) {
  std::set<std::string> files;
  if (const auto location = map.find(failure.blob.sha256)) {
    for (const bundle::BlobExtent& extent : location->extents) {
      if (changed.contains(extent.file)) {
        files.insert(extent.file);
      }
    }
  }
  if (files.empty()) {
    files.insert(failure.file);
  }
  return files;
}

// Which file is to be copied again.
void name_damaged_volumes(const bundle::Shipment& shipment, const bundle::BlobMap& map,
                          const std::vector<BlobFailure>& failures, const std::set<std::string>& changed,
                          const std::set<base::Digest>& good, Findings findings) {
  std::map<std::string, Severity> files;
  for (const BlobFailure& failure : failures) {
    if (failure.code == ErrorCode::io) {
      continue;  // what cannot be read is told of as that; nothing says that it is other content
    }
    const bool is_good = good.contains(failure.blob.sha256);
    for (const std::string& file : damaged_in(failure, map, changed)) {
      Severity& severity = files.try_emplace(file, Severity::warning).first->second;
      severity = is_good ? severity : Severity::error;
    }
  }
  for (const auto& volume : map.volumes()) {
    const auto file = files.find(volume.name);
    if (file == files.end()) {
      continue;
    }
    const auto place = fmt::format("volume {} of {}", volume.hint.volume, shipment.volumes.size());
    findings.add(file->second, ErrorCode::tampered, volume.path.string(),
                 !changed.contains(volume.name)
                     ? fmt::format("{} reads well as a whole now, so the medium or its reader is unreliable", place)
                 : file->second == Severity::error
                     ? fmt::format("{} is not what was signed; copy this one file again", place)
                     : fmt::format("{} is not what was signed; another copy of it is here", place));
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
  const auto changed = changed_files(verified.shipment(), map, failures, *progress);
  const auto good = good_elsewhere(map, failures, changed, *progress);
  for (const auto& failure : failures) {
    const auto& name = names.at(failure.blob.sha256);
    const bool is_good = good.contains(failure.blob.sha256);
    findings.add(is_good ? Severity::warning : Severity::error, failure.code, failure.blob.sha256.to_string(),
                 fmt::format("{}{} (in {}){}", name.empty() ? "" : base::printable(name) + " ", failure.message,
                             failure.file, is_good ? "; another copy of it is good" : ""));
  }
  name_damaged_volumes(verified.shipment(), map, failures, changed, good, findings);
  report_absent(verified, map, absent, state, report, findings);
}

}  // namespace airlock::workflow
