#include "workflow/import.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "store/channel_name.hpp"
#include "workflow/bundle_files.hpp"
#include "workflow/floors.hpp"
#include "workflow/generations.hpp"
#include "workflow/import_one.hpp"
#include "workflow/import_refusal.hpp"
#include "workflow/policy.hpp"
#include "workflow/receipt.hpp"
#include "workflow/serial_check.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Severity;

void check_options(const ImportOptions& options) {
  const bool needs_reason =
      !options.withhold.empty() || !options.release.empty() || options.expiry == trust::Expiry::accept;
  if (needs_reason && base::trim(options.reason).empty()) {
    throw Error(ErrorCode::usage, "--withhold, --release and --accept-expired need a reason")
        .with_hint("add --reason TEXT; it is kept in the audit log");
  }
  const auto both = std::ranges::find_if(
      options.withhold, [&options](const base::Digest& digest) { return options.release.contains(digest); });
  if (both != options.withhold.end()) {
    throw Error(ErrorCode::usage, fmt::format("--withhold and --release both name {}", both->to_string()))
        .with_hint("say one of them");
  }
}

std::string describe(const bundle::HeadCandidate& candidate) {
  const auto& hint = candidate.hint;
  return hint.channel.empty() ? fmt::format("import of {}", candidate.path.string())
                              : fmt::format("import of bundle '{}' {} from {}", base::printable(hint.channel, 64),
                                            hint.serial, candidate.path.string());
}

bool may_be_of(const Refusal& refusal, std::string_view producer) {
  return refusal.producer.empty() || refusal.producer == producer;
}

// A draft beside the sealed bundle that it became: a head that an approver signed, for example.
bool is_draft_of(const Refusal& refusal, const ImportReport& report) {
  const bundle::Hint& hint = refusal.candidate->hint;
  return refusal.error.code() == ErrorCode::approval_missing &&
         std::any_of(report.bundles.begin(), report.bundles.end(), [&](const ImportedBundle& bundle) {
           return bundle.channel == hint.channel && bundle.serial == hint.serial && may_be_of(refusal, bundle.producer);
         });
}

void note(std::vector<base::Finding>& notes, Severity severity, const Refusal& refusal) {
  notes.push_back({severity, refusal.error.code(), refusal.candidate->path.string(), refusal.error.message()});
}

// A receipt of another producer's channel of that name stays as it is.
fs::path receipt_of(const Home& home, const store::StateDb& state, const ImportedBundle& bundle) {
  const bool shared = store::shares_its_name({bundle.producer, bundle.channel}, state.channels());
  return home.root / "receipts" /
         fmt::format("{}-{}{}.json", bundle.channel, bundle.serial,
                     shared ? "-" + bundle.producer.substr(0, store::k_producer_digits) : "");
}

// Something was taken in, or a run that was killed had taken it in and not come to its receipt.
bool needs_receipt(const Home& home, const store::StateDb& state, const std::vector<ImportedBundle>& bundles) {
  std::error_code ignored;
  return !bundles.empty() && (std::any_of(bundles.begin(), bundles.end(),
                                          [](const ImportedBundle& bundle) {
                                            return bundle.outcome != ImportedBundle::Outcome::nothing_to_do;
                                          }) ||
                              !fs::exists(receipt_of(home, state, bundles.back()), ignored));
}

void write_new_receipt(const store::StateDb& state, const Home& home, base::Time now, base::Reporter& reporter,
                       ImportReport& report) {
  const auto path = receipt_of(home, state, report.bundles.back());
  try {
    const auto receipt = make_receipt(state, now);
    report.floors = floor_lines(receipt);
    report.audit_number = receipt.audit_number;
    report.audit_head = receipt.audit_head;
    write_receipt_file(receipt, path);
    report.receipt = path;
  } catch (const Error& error) {
    // The import itself is done and safe; the receipt can be written again at any time.
    reporter.warning(fmt::format("the receipt could not be written: {}; `airlock store receipt -o FILE` does it again",
                                 error.message()));
  }
}

// Nobody may take for served what was only taken in; also where a watched folder brings it.
void tell_out_of_service(const ImportedBundle& bundle, base::Reporter& reporter) {
  if (const auto& out = bundle.out_of_service) {
    reporter.warning(fmt::format("channel '{}' is out of service here since {} ({}): nothing of it is served; "
                                 "`airlock store activate {}` serves this state",
                                 bundle.channel, base::to_rfc3339(out->since), base::printable(out->reason),
                                 bundle.generation));
  }
}

// What a stolen key could do as well as a producer that made so many: said once, at the import that brings it.
void tell_leap(const ImportedBundle& bundle, base::Reporter& reporter) {
  if (bundle.outcome == ImportedBundle::Outcome::imported && bundle.previous_serial &&
      bundle.serial > *bundle.previous_serial + k_long_leap) {
    reporter.warning(fmt::format("the serial of channel '{}' leapt from {} to {}: ask the producer whether it made so "
                                 "many; where it did not, a stolen key did, and docs/operations/backup.md has the way "
                                 "back",
                                 bundle.channel, *bundle.previous_serial, bundle.serial));
  }
}

// One after the other, oldest first; each is proven by itself, so that one that is refused keeps no other away. Throws
// the worst refusal that no later bundle of its channel made good, after all that can be taken is in; the others stand
// among the notes.
void take_all(const ImportRun& run, ImportReport& report) {
  std::vector<Refusal> refusals;  // that stand
  for (const auto& candidate : run.files.heads) {
    try {
      report.bundles.push_back(base::with_context([&] { return describe(candidate); },
                                                  [&] { return import_one(candidate, run, report.notes); }));
      tell_out_of_service(report.bundles.back(), run.reporter);
      tell_leap(report.bundles.back(), run.reporter);
      // Whose a refused head is, nothing proves: where two producers have a channel of that name, or it names the root
      // of another one, it stands.
      const ImportedBundle& bundle = report.bundles.back();
      const bool shared = store::shares_its_name({bundle.producer, bundle.channel}, run.state.channels());
      std::erase_if(refusals, [&](const Refusal& refusal) {
        const bool made_good = !shared && may_be_of(refusal, bundle.producer) &&
                               refusal.candidate->hint.channel == candidate.hint.channel &&
                               may_be_superseded(refusal.error.code());
        if (made_good) {
          note(report.notes, Severity::note, refusal);
        }
        return made_good;
      });
    } catch (const Error& error) {
      Refusal refusal{&candidate, error};
      if (error.code() == ErrorCode::tampered) {
        refusal.error.with_hint((error.hint().empty() ? "" : error.hint() + "; ") +
                                "keep this medium as it is, and call security");
      }
      if (!ends_run(error.code())) {
        refusal.producer = claimed_producer(candidate, run.roots);
      }
      if (is_draft_of(refusal, report)) {
        note(report.notes, Severity::note, refusal);
        continue;
      }
      if (ends_run(error.code())) {
        audit_refusal(refusal, run);
        for (const auto& earlier : refusals) {
          note(report.notes, Severity::error, earlier);
        }
        throw;
      }
      if (!may_be_superseded(error.code())) {
        audit_refusal(refusal, run);
      }
      refusals.push_back(std::move(refusal));
    }
  }
  if (refusals.empty()) {
    return;
  }
  const Refusal& worst = worst_of(refusals);
  for (const auto& refusal : refusals) {
    if (may_be_superseded(refusal.error.code())) {
      audit_refusal(refusal, run);
    }
    if (&refusal != &worst) {
      note(report.notes, Severity::error, refusal);
    }
  }
  throw worst.error;
}

}  // namespace

ImportReport import_bundles(const ImportOptions& options, const base::Clock& clock, base::Reporter& reporter) {
  check_options(options);
  const auto site = load_site_policy(options.home);
  const auto& policy = site.bundle;
  const auto roots = read_pinned_roots(options.home);
  const auto files = find_bundles(options.bundles, options.volumes);
  if (roots.empty()) {
    // Before anything is made in the home.
    require_root_for(bundle::Head::read(files.heads.front().path), roots, options.home);
  }

  store::StateDb state(options.home.root, store::StateDb::Access::change);
  const store::BlobStore blobs(options.home.blobs());
  blobs.remove_leftovers();
  base::remove_leftovers(options.home.root / "receipts");
  mend_catalog(state, options.home, reporter);

  auto heads = files.heads;
  if (!options.beside.empty()) {
    const auto beside = find_bundles(options.beside, options.volumes);
    heads.insert(heads.end(), beside.heads.begin(), beside.heads.end());
  }
  std::optional<Scanner> scanner;
  std::optional<store::ScanResults> results;
  RunScanner scan;
  if (site.scan && site.scan->at_import) {
    scanner.emplace(*site.scan, reporter);
    results.emplace(options.home.root);
    scan = {&*site.scan, &*scanner, &*results, options.rescan ? Scanner::Memory::ignore : Scanner::Memory::use};
  }
  const auto officers =
      policy.local_approvals > 0 ? std::optional(read_officers(options.home, policy.local_approvals)) : std::nullopt;
  const bool asks_for_expired = site.expired_approvals > 0 && options.expiry == trust::Expiry::accept;
  const auto of_expired =
      asks_for_expired ? std::optional(read_officers(options.home, site.expired_approvals)) : std::nullopt;
  const ImportRun run{options,
                      clock,
                      reporter,
                      policy,
                      roots,
                      files,
                      heads,
                      state,
                      blobs,
                      scan,
                      officers ? &*officers : nullptr,
                      of_expired ? &*of_expired : nullptr};
  ImportReport report;
  const auto finish = [&] {
    if (needs_receipt(options.home, state, report.bundles)) {
      write_new_receipt(state, options.home, clock.now(), reporter, report);
      run.step("receipt-written");
    }
  };
  try {
    take_all(run, report);
  } catch (const Error&) {
    // What is in is in, and has to be known: to whoever reads this, and to the connected side.
    finish();
    const bool others_refused = std::ranges::any_of(
        report.notes, [](const base::Finding& finding) { return finding.severity == Severity::error; });
    if ((!report.bundles.empty() || others_refused) && options.taken_before_refusal) {
      options.taken_before_refusal(report);
    }
    throw;
  }
  finish();
  return report;
}

}  // namespace airlock::workflow
