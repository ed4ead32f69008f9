#include "workflow/audit_check.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "base/text.hpp"
#include "workflow/receipt.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

// What a receipt tells of a log, and of whose.
struct Witness {
  store::AuditMark mark;
  std::string home;  // empty: it does not say
  std::vector<store::ChannelKey> channels;
};

Witness read_witness(const fs::path& file) {
  const auto receipt = read_receipt(file);
  Witness witness{.mark = {.number = receipt.audit_number,
                           .head = receipt.audit_head,
                           .source = base::printable(file.filename().string())},
                  .home = receipt.home,
                  .channels = {}};
  for (const auto& channel : receipt.channels) {
    witness.channels.push_back({.producer = channel.producer, .channel = channel.channel});
  }
  return witness;
}

std::vector<Witness> own_witnesses(const Home& home, base::Reporter& reporter) {
  std::error_code ignored;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(home.root / "receipts", ignored)) {
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<Witness> witnesses;
  for (const auto& file : files) {
    try {
      witnesses.push_back(read_witness(file));
    } catch (const Error& error) {
      reporter.warning(fmt::format("{} was passed over: {}", file.string(), error.message()));
    }
  }
  return witnesses;
}

// The ids under which receipts of this home were written: that of the state, and those of the receipts that lie in it,
// so that a state which was put in the place of another makes no stranger of what the other left behind.
std::set<std::string> own_ids(const store::StateDb& state, const std::vector<Witness>& own) {
  std::set<std::string> ids;
  if (const auto id = state.home_id()) {
    ids.insert(*id);
  }
  for (const auto& witness : own) {
    if (!witness.home.empty()) {
      ids.insert(witness.home);
    }
  }
  return ids;
}

// One without an id is of another home where it knows none of the channels that are known here.
bool is_of_another_home(const Witness& witness, const std::set<std::string>& ids,
                        const std::vector<store::ChannelKey>& channels) {
  if (!witness.home.empty() && !ids.empty()) {
    return !ids.contains(witness.home);
  }
  return !witness.channels.empty() && std::ranges::none_of(witness.channels, [&](const auto& channel) {
    return std::ranges::find(channels, channel) != channels.end();
  });
}

// A receipt of another home bears nothing out here and proves nothing: it is a mistake of the hand, no alarm.
void require_own(const Witness& witness, const std::set<std::string>& ids, const store::StateDb& state,
                 const std::vector<store::AuditEntry>& entries) {
  const auto findings = store::check_audit_marks(entries, {witness.mark});
  const bool contradicts =
      std::ranges::any_of(findings, [](const auto& finding) { return finding.severity == base::Severity::error; });
  if (contradicts && is_of_another_home(witness, ids, state.channels())) {
    throw Error(ErrorCode::conflict,
                fmt::format("{} is a receipt of another home{}", witness.mark.source,
                            witness.home.empty()
                                ? std::string()
                                : fmt::format(" ({}; this one is {})", base::printable(witness.home, 32),
                                              state.home_id().value_or("without an id"))))
        .with_hint(
            "compare it where it was written. If it is of this home: after a loss `airlock trust floor --receipt` "
            "accounts for what was lost; without a loss the whole state was replaced, so call security");
  }
}

}  // namespace

bool AuditCheckReport::unbroken() const {
  return std::ranges::none_of(findings, [](const auto& finding) { return finding.severity == base::Severity::error; });
}

AuditCheckReport check_audit_log(const AuditCheckOptions& options, base::Reporter& reporter) {
  // The marks first: the log only grows, so that it has all that they know, whatever an import adds meanwhile.
  std::vector<Witness> named;
  for (const auto& file : options.receipts) {
    named.push_back(read_witness(file));
  }
  const auto own = own_witnesses(options.home, reporter);
  if (options.at_step) {
    options.at_step("marks-read");
  }
  const store::StateDb state(options.home.root, store::StateDb::Access::read);
  const auto entries = state.audit_entries();
  const auto ids = own_ids(state, own);
  std::vector<store::AuditMark> marks;
  for (const auto& witness : named) {
    require_own(witness, ids, state, entries);
    marks.push_back(witness.mark);
  }
  marks.insert(marks.end(), options.marks.begin(), options.marks.end());
  std::ranges::transform(own, std::back_inserter(marks), &Witness::mark);
  AuditCheckReport report;
  report.entries = entries.size();
  report.head = entries.empty() ? std::string() : entries.back().digest;
  report.compared = marks.size();
  report.findings = store::check_audit(entries);
  const auto more = store::check_audit_marks(entries, marks);
  report.findings.insert(report.findings.end(), more.begin(), more.end());
  return report;
}

}  // namespace airlock::workflow
