#include "workflow/salvage.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "base/parallel.hpp"
#include "base/text.hpp"
#include "bundle/blob_map.hpp"
#include "bundle/set_files.hpp"
#include "store/blob_store.hpp"
#include "store/state_db.hpp"
#include "workflow/blob_intake.hpp"
#include "workflow/import_plan.hpp"
#include "workflow/medium.hpp"
#include "workflow/receipt.hpp"
#include "workflow/sweep.hpp"

namespace airlock::workflow {

namespace {

using base::Digest;
using base::ErrorCode;
using base::Severity;
using store::StateDb;

constexpr std::size_t k_most_sets = 1000;          // each is looked through by itself
constexpr std::size_t k_most_copies = 16;          // of one set, each of which is a look at all of its files
constexpr std::size_t k_failures_told = 10;        // of one set
constexpr std::size_t k_missing_told = 1000;       // findings
constexpr std::size_t k_digests_in_audit = 100;    // the digest over all of them is there, too
constexpr std::size_t k_salvage_name_limit = 200;  // bytes

struct LackingBlob {
  std::uint64_t length = 0;  // bytes
  bool counts = false;       // served, or damaged: what a check of the store fails for
};
using LackingBlobs = std::map<Digest, LackingBlob>;

// Rows whose content this site wants: of a channel in service, neither withheld nor only known. Newest generation
// first.
void for_each_wanted_row(const StateDb& state,
                         const std::function<void(const store::Generation&, const model::FileRow&)>& visit) {
  for (const auto& generation : state.generations()) {
    if (state.out_of_service(generation.channel)) {
      continue;  // what only it needs may have been swept
    }
    const auto withheld = state.withheld(generation.channel);
    state.for_each_row(generation.id, [&](const model::FileRow& row) {
      if (row.sha256 && row.kind != model::Kind::withheld && row.kind != model::Kind::known &&
          !withheld.contains(*row.sha256)) {
        visit(generation, row);
      }
    });
  }
}

LackingBlobs find_missing(const StateDb& state, const store::BlobStore& blobs) {
  LackingBlobs lacking;
  for (const auto& generation : state.generations()) {
    if (state.out_of_service(generation.channel)) {
      continue;  // what only it needs may have been swept
    }
    for (const auto& blob : missing_blobs(state, generation.id, &blobs)) {
      LackingBlob& entry = lacking[blob.sha256];
      entry.length = blob.length;
      entry.counts = entry.counts || generation.active;
    }
  }
  return lacking;
}

// What is damaged and wanted joins what is missing. Returns how many nobody wants.
std::size_t add_damaged(LackingBlobs& lacking, const std::vector<BlobFailure>& bad, const StateDb& state) {
  std::map<Digest, std::uint64_t> damaged;
  for (const auto& failure : bad) {
    damaged.emplace(failure.blob.sha256, failure.blob.length);
  }
  if (damaged.empty()) {
    return 0;
  }
  for_each_wanted_row(state, [&](const store::Generation&, const model::FileRow& row) {
    if (const auto found = damaged.find(*row.sha256); found != damaged.end()) {
      lacking[found->first] = {.length = found->second, .counts = true};
      damaged.erase(found);
    }
  });
  return damaged.size();
}

class Salvage {
 public:
  Salvage(const SalvageOptions& options, const StateDb& state, const store::BlobStore& blobs, LackingBlobs lacking,
          base::Reporter& reporter, SalvageReport& report)
      : m_options(options), m_state(state), m_blobs(blobs), m_lacking(std::move(lacking)), m_reporter(reporter),
        m_report(report) {}

  // What an interrupted run left counts once its bytes were read again.
  void take_staged() {
    std::vector<StateBlob> staged;
    std::uint64_t bytes = 0;
    for (const auto& [sha256, blob] : m_lacking) {
      if (!m_state.has_blob(sha256) && m_blobs.file_exists(sha256, blob.length)) {
        staged.push_back({sha256, blob.length});
        bytes += blob.length;
      }
    }
    if (staged.empty()) {
      return;
    }
    const auto progress = m_reporter.task("checking what an earlier run left", bytes);
    std::vector<char> is_good(staged.size(), 0);
    base::for_each_in_parallel(staged.size(), 0, [&](std::size_t i) {
      is_good[i] = m_blobs.recheck(staged[i].sha256, staged[i].length) ? 1 : 0;
      progress->advance(staged[i].length);
    });
    for (std::size_t i = 0; i < staged.size(); ++i) {
      if (is_good[i] != 0) {
        keep(staged[i]);
      }
    }
  }

  void take_from(const std::vector<bundle::SetFiles>& sets) {
    for (std::size_t i = 0; i < sets.size() && !m_lacking.empty(); ++i) {
      base::throw_if_interrupted();
      if (i == k_most_sets) {
        note(ErrorCode::limit, fmt::format("{} bundles", sets.size()),
             fmt::format("only the first {} of them were looked through", k_most_sets));
        return;
      }
      take_from(sets[i]);
    }
  }

  const std::vector<StateBlob>& taken() const { return m_taken; }

  // What is lacking still; named by the newest state that has it.
  void tell_missing() {
    std::map<Digest, std::string> names;
    std::uint64_t not_served = 0;
    for (const auto& [sha256, blob] : m_lacking) {
      (blob.counts ? m_report.missing : not_served) += 1;
      if (blob.counts && names.size() < k_missing_told) {
        names.emplace(sha256, "");
      }
    }
    if (not_served > 0) {
      note(ErrorCode::base_missing, base::counted(not_served, "blob"),
           "of states that are kept and not served, still missing");
    }
    if (names.empty()) {
      return;
    }
    for_each_wanted_row(m_state, [&names](const store::Generation& generation, const model::FileRow& row) {
      if (const auto name = names.find(*row.sha256); name != names.end() && name->second.empty()) {
        name->second =
            fmt::format("{} '{}' of channel '{}' (bundle {})", row.ecosystem,
                        base::printable(row.path, k_salvage_name_limit), generation.channel.channel, generation.serial);
      }
    });
    for (const auto& [sha256, name] : names) {
      m_report.findings.push_back(
          {Severity::error, ErrorCode::base_missing, sha256.to_string(), name + " is still missing or damaged"});
    }
  }

 private:
  void note(ErrorCode code, std::string subject, std::string message) {
    m_report.notes.push_back({Severity::note, code, std::move(subject), std::move(message)});
  }

  void keep(const StateBlob& blob) {
    m_lacking.erase(blob.sha256);
    m_taken.push_back(blob);
    ++m_report.blobs;
    m_report.bytes += blob.length;
  }

  std::vector<StateBlob> wanted() const {
    std::vector<StateBlob> list;
    list.reserve(m_lacking.size());
    for (const auto& [sha256, blob] : m_lacking) {
      list.push_back({sha256, blob.length});
    }
    return list;
  }

  void take_from(const bundle::SetFiles& set) {
    auto map = bundle::BlobMap::scan(set.files, wanted());
    for (const auto& finding : map.findings()) {
      note(finding.code, finding.subject, finding.message);
    }
    // There may be other copies of what was bad in one.
    std::set<std::string> bad_files;
    for (std::size_t copy = 0; copy < k_most_copies; ++copy) {
      const auto failures = take(map);
      tell_failures(failures);
      const auto before = bad_files.size();
      for (const auto& failure : failures) {
        if (const auto location = map.find(failure.blob.sha256)) {
          std::ranges::transform(location->extents, std::inserter(bad_files, bad_files.end()),
                                 &bundle::BlobExtent::file);
        }
      }
      if (bad_files.size() == before) {
        return;
      }
      map = map.without(bad_files);
    }
    bool has_more = false;
    map.for_each(
        [&](const Digest& sha256, const bundle::BlobLocation&) { has_more = has_more || m_lacking.contains(sha256); });
    if (has_more) {
      note(ErrorCode::limit, base::printable(set.set, k_salvage_name_limit),
           fmt::format("only {} copies of it that are bad were looked through; take those away", k_most_copies));
    }
  }

  // Of what the map has, in the order of the medium. Returns what is not what its name says; nothing of that is kept.
  std::vector<BlobFailure> take(const bundle::BlobMap& map) {
    std::vector<StateBlob> list;
    std::uint64_t bytes = 0;
    map.for_each([&](const Digest& sha256, const bundle::BlobLocation&) {
      if (const auto found = m_lacking.find(sha256); found != m_lacking.end()) {
        list.push_back({sha256, found->second.length});
        bytes += found->second.length;
      }
    });
    if (list.empty()) {
      return {};
    }
    require_home_space(m_options.home.root, bytes, list.size());
    const auto progress = m_reporter.task("salvaging", bytes);
    const std::vector<bundle::BlobMap> maps = {map};
    auto result = take_blobs(list, locate_in(maps), m_blobs, *progress);
    m_report.bytes_written += result.bytes;
    std::set<Digest> failed;
    for (const auto& failure : result.failures) {
      failed.insert(failure.blob.sha256);
    }
    for (const auto& blob : list) {
      if (!failed.contains(blob.sha256)) {
        keep(blob);
      }
    }
    return std::move(result.failures);
  }

  void tell_failures(const std::vector<BlobFailure>& failures) {
    for (std::size_t i = 0; i < std::min(failures.size(), k_failures_told); ++i) {
      note(failures[i].code, failures[i].file,
           fmt::format("nothing was taken of {}: {}", failures[i].blob.sha256.to_string(), failures[i].message));
    }
    if (failures.size() > k_failures_told) {
      note(failures.back().code, failures.back().file,
           fmt::format("and {} more, here and in files of the same bundle", failures.size() - k_failures_told));
    }
  }

  const SalvageOptions& m_options;
  const StateDb& m_state;
  const store::BlobStore& m_blobs;
  LackingBlobs m_lacking;
  base::Reporter& m_reporter;
  SalvageReport& m_report;
  std::vector<StateBlob> m_taken;
};

base::Json salvage_detail(const std::vector<StateBlob>& taken, const SalvageOptions& options,
                          const SalvageReport& report) {
  std::vector<Digest> digests;
  std::ranges::transform(taken, std::back_inserter(digests), &StateBlob::sha256);
  std::sort(digests.begin(), digests.end());
  base::Json detail = {{"blobs", report.blobs},          {"bytes", report.bytes},
                       {"missing", report.missing},      {"blobs_sha256", digest_of_list(digests).hex()},
                       {"digests", base::Json::array()}, {"from", base::Json::array()}};
  for (std::size_t i = 0; i < std::min(digests.size(), k_digests_in_audit); ++i) {
    detail["digests"].push_back(digests[i].to_string());
  }
  for (const auto& path : options.bundles) {
    detail["from"].push_back(
        {{"path", base::printable(path.string(), k_salvage_name_limit)}, {"medium", to_json(medium_of(path))}});
  }
  options.remark.add_to(detail);
  return detail;
}

}  // namespace

int SalvageReport::exit_code() const {
  return missing > 0 ? base::error_code_info(ErrorCode::base_missing).exit_code : 0;
}

SalvageReport salvage_blobs(const SalvageOptions& options, const base::Clock& clock, base::Reporter& reporter) {
  const auto step = [&options](std::string_view name) {
    if (options.at_step) {
      options.at_step(name);
    }
  };
  SalvageReport report;
  const auto sets = bundle::list_sets(options.bundles, report.notes);  // first: a wrong path shows before the long part
  const auto check = check_store({.home = options.home}, clock, reporter);
  report.checked = check.blobs;
  report.checked_bytes = check.bytes;
  step("checked");

  StateDb state(options.home.root, StateDb::Access::change);
  const store::BlobStore blobs(options.home.blobs());
  blobs.remove_leftovers();
  auto lacking = find_missing(state, blobs);
  if (const auto unwanted = add_damaged(lacking, look_again(check.bad_blobs, state, blobs, reporter), state)) {
    report.notes.push_back(
        {Severity::note, ErrorCode::tampered, base::counted(unwanted, "damaged blob"),
         "that no catalog in service here asks for, or that is withheld or kept for a block only, was left; `airlock "
         "store check --repair` forgets it"});
  }
  report.lacking = lacking.size();
  Salvage run(options, state, blobs, std::move(lacking), reporter, report);
  run.take_staged();
  run.take_from(sets);
  step("blobs-stored");
  run.tell_missing();
  if (run.taken().empty()) {
    return report;
  }
  {
    const auto progress = reporter.task("writing to disk", 0);
    blobs.sync();
  }
  base::throw_if_interrupted();
  auto change = state.change();
  for (const auto& blob : run.taken()) {
    state.add_blob(blob.sha256, blob.length);
  }
  state.audit(clock.now(), "salvage", audit_text(salvage_detail(run.taken(), options, report)));
  change.commit();
  return report;
}

}  // namespace airlock::workflow
