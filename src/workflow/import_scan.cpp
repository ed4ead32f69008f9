#include "workflow/import_scan.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "workflow/scan_refusal.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

// As if these blobs had been named with --withhold.
void leave(const std::set<base::Digest>& digests, ImportPlan& plan) {
  const auto is_left = [&digests](const StateBlob& blob) { return digests.contains(blob.sha256); };
  std::erase_if(plan.take, [&](const StateBlob& blob) {
    const bool leaves = is_left(blob);
    plan.take_bytes -= leaves ? blob.length : 0;
    return leaves;
  });
  std::erase_if(plan.absent, [&](const StateBlob& blob) {
    const bool leaves = is_left(blob);
    plan.absent_bytes -= leaves ? blob.length : 0;
    return leaves;
  });
  std::erase_if(plan.staged, is_left);
  std::erase_if(plan.wanted, is_left);
}

}  // namespace

std::vector<ScanSubject> ImportScan::subjects_of(const std::set<base::Digest>& digests) const {
  ScanSubjects found;
  m_verified.for_each_row([&](const model::FileRow& row) {
    if (row.sha256 && digests.contains(*row.sha256)) {
      add_subject(found, row);
    }
  });
  for (const auto& attachment : m_verified.attachments()) {
    if (digests.contains(attachment.sha256)) {
      found.try_emplace(attachment.sha256, ScanSubject{.sha256 = attachment.sha256,
                                                       .length = attachment.length,
                                                       .ecosystem = std::string(k_bundle_ecosystem),
                                                       .path = attachment.kind,
                                                       .artifact = {},
                                                       .media_type = attachment.media_type});
    }
  }
  // In the order of the state, which is that of the medium.
  std::vector<ScanSubject> subjects;
  for (const auto& blob : m_verified.blobs()) {
    if (const auto subject = found.find(blob.sha256); subject != found.end()) {
      subjects.push_back(std::move(subject->second));
    }
  }
  return subjects;
}

void ImportScan::recall(ImportPlan& plan, std::set<base::Digest>& left) {
  if (m_run.scan.scanner == nullptr || m_run.scan.memory == Scanner::Memory::ignore) {
    return;
  }
  const auto& name = m_run.scan.scanner->name();
  const auto known = m_run.scan.results->refused_by(name.id);
  std::set<base::Digest> here;
  for (const auto& blob : m_verified.blobs()) {
    if (known.contains(blob.sha256) && !left.contains(blob.sha256) &&
        !m_run.scan.settings->accept.contains(blob.sha256)) {
      here.insert(blob.sha256);
    }
  }
  if (here.empty()) {
    return;
  }
  std::vector<ScanRefusal> refused;
  for (auto& subject : subjects_of(here)) {
    auto result = m_run.scan.results->find(subject.sha256, name.id);
    refused.push_back({std::move(subject), std::move(result.value())});
  }
  settle(std::move(refused), m_verified.blobs().size(), plan, left);
}

void ImportScan::scan(ImportPlan& plan, std::set<base::Digest>& left) {
  if (m_run.scan.scanner == nullptr) {
    return;
  }
  m_outcome.scanner = m_run.scan.scanner->name().text;
  std::set<base::Digest> wanted;
  for (const auto& blob : plan.wanted) {
    wanted.insert(blob.sha256);
  }
  const auto subjects = subjects_of(wanted);
  auto run = m_run.scan.scanner->scan_stored(subjects, m_run.blobs, m_run.options.home.root / "scan",
                                             *m_run.scan.results, m_run.scan.memory, m_run.clock);
  m_outcome.scanned = run.scanned;
  m_outcome.remembered = run.remembered;
  m_outcome.accepted = run.accepted;
  if (!run.refused.empty()) {
    // They have no row, so nothing refers to them; and they have no place on this disk.
    for (const auto& refusal : run.refused) {
      m_run.blobs.remove(refusal.subject.sha256);
    }
    settle(std::move(run.refused), subjects.size(), plan, left);
  }
}

void ImportScan::settle(std::vector<ScanRefusal> refused, std::uint64_t of, ImportPlan& plan,
                        std::set<base::Digest>& left) {
  if (m_run.scan.settings->on_refusal == ScanSettings::OnRefusal::refuse) {
    refuse(refused, of);
  }
  std::set<base::Digest> digests;
  for (auto& refusal : refused) {
    m_run.reporter.warning(fmt::format("withheld, because the scanner refuses it:{}", refusals_text({refusal})));
    digests.insert(refusal.subject.sha256);
    m_outcome.withheld.push_back(std::move(refusal));
  }
  left.insert(digests.begin(), digests.end());
  leave(digests, plan);
}

void ImportScan::refuse(const std::vector<ScanRefusal>& refused, std::uint64_t of) const {
  const auto& shipment = m_verified.shipment();
  const auto& scanner = m_run.scan.scanner->name().text;
  {
    auto change = m_run.state.change();
    m_run.state.audit(m_run.clock.now(), "scan-refused",
                      base::to_line(base::Json{{"channel", shipment.channel},
                                               {"serial", shipment.serial},
                                               {"bundle_id", m_verified.bundle_id()},
                                               {"scanner", scanner},
                                               {"refused", refused.size()},
                                               {"files", refusals_json(refused)}}));
    change.commit();
  }
  throw Error(ErrorCode::scan_refused,
              fmt::format("the scanner ({}) refuses {} of {} files of bundle '{}' {}, so nothing was made visible:{}",
                          scanner, refused.size(), of, shipment.channel, shipment.serial, refusals_text(refused)))
      .with_hint(fmt::format("tell security; to take the rest: --withhold {} --reason TEXT; whole reports: "
                             "`airlock store scans {}`",
                             refused.front().subject.sha256.to_string(), refused.front().subject.sha256.to_string()));
}

}  // namespace airlock::workflow
