#include "workflow/verify.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "bundle/blob_map.hpp"
#include "store/state_db.hpp"
#include "workflow/bundle_files.hpp"
#include "workflow/policy.hpp"
#include "workflow/severity.hpp"
#include "workflow/unlisted_blobs.hpp"
#include "workflow/verify_parts.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Severity;

// What this home knows, opened for reading; none where nothing was ever imported.
std::unique_ptr<store::StateDb> state_if_any(const Home& home) {
  try {
    return std::make_unique<store::StateDb>(home.root, store::StateDb::Access::read);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      return nullptr;
    }
    throw;
  }
}

class RootChoice {
 public:
  explicit RootChoice(const VerifyOptions& options) : m_home(options.home) {
    if (options.root) {
      m_given = read_root(*options.root);
      return;
    }
    m_roots = read_pinned_roots(options.home);
    if (auto own = read_own_root(options.home)) {
      m_roots.push_back(std::move(*own));
    }
  }
  // Throws untrusted.
  const PinnedRoot& choose(const bundle::Head& head) const {
    return m_given ? *m_given : require_root_for(head, m_roots, m_home);
  }

 private:
  Home m_home;
  std::optional<PinnedRoot> m_given;
  std::vector<PinnedRoot> m_roots;
};

// A head that is damaged is a finding; a path at which there is no bundle is the caller's mistake. Of several, each is
// a finding, since the others are to be looked at.
std::optional<ApprovedHead> read_head(const fs::path& path, const BundleFiles& files, Findings findings) {
  try {
    return read_approved_head(path, files);
  } catch (const Error& error) {
    constexpr std::array k_mistakes = {ErrorCode::not_found, ErrorCode::malformed, ErrorCode::io,
                                       ErrorCode::unsupported};
    if (files.heads.size() == 1 && std::find(k_mistakes.begin(), k_mistakes.end(), error.code()) != k_mistakes.end()) {
      throw;
    }
    findings.add(error, path.string());
    return std::nullopt;
  }
}

void add_map_findings(const bundle::BlobMap& map, std::size_t errors_before, Findings findings) {
  // Files of other bundles, and other files, may lie in the same folder. That is worth telling only where something is
  // missing, because then one of them may have been copied in place of the right one.
  const bool incomplete = findings.errors() > errors_before;
  for (const auto& finding : map.findings()) {
    if (finding.severity == Severity::error || incomplete) {
      findings.add(finding.severity, finding.code, finding.subject, finding.message);
    }
  }
}

// What nobody signed is never taken; that somebody put it there is worth a word, and in the bundle's own file the end.
void add_unlisted(const bundle::BlobMap& map, const std::string& subject, Findings findings) {
  try {
    refuse_unlisted_in_head_file(map);
  } catch (const Error& error) {
    findings.add(error, subject);
    return;
  }
  if (const std::string words = tell_of_unlisted(map); !words.empty()) {
    findings.add(Severity::warning, ErrorCode::foreign, subject, words);
  }
}

// One file that holds everything and cannot be listed is a finding like any other.
std::optional<bundle::BlobMap> scan(const bundle::VerifiedBundle& verified, const std::vector<fs::path>& folders,
                                    Findings findings) {
  try {
    return bundle::BlobMap::scan(verified.head(), folders, verified.blobs());
  } catch (const Error& error) {
    findings.add(error, verified.head().file().string());
    return std::nullopt;
  }
}

void verify_one(const bundle::HeadCandidate& candidate, const BundleFiles& files, const RootChoice& roots,
                const bundle::Policy& policy, const store::StateDb* state, const VerifyOptions& options,
                base::Reporter& reporter, VerifyReport& report) {
  Findings findings(report.findings);
  report.heads.push_back(candidate.path);
  const auto opened = read_head(candidate.path, files, findings);
  if (!opened) {
    return;
  }
  const bundle::Head& head = opened->head;
  for (const base::Finding& finding : opened->findings) {
    findings.add(finding.severity, finding.code, finding.subject, finding.message);
  }
  std::optional<bundle::VerifiedBundle> verified;
  try {
    const auto& root = roots.choose(head);
    report.root_file = root.file;
    verified = verify_signatures(*opened, root, policy, state, {options.wall, options.built}, findings);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::untrusted) {
      throw;
    }
    findings.add(error, candidate.path.filename().string());
  }
  if (!verified) {
    return;
  }
  report.channel = verified->descriptor().channel;
  report.serial = verified->descriptor().serial;
  report.bundle_id = verified->bundle_id();
  report.approvals = verified->approvals();
  report.expiries = expiries_of(verified->trusted());

  const auto errors_before = findings.errors();
  if (const auto map = scan(*verified, files.folders, findings)) {
    verify_documents(*verified, *map, findings);
    verify_blobs(*verified, *map, state, options.threads, reporter, report, findings);
    add_map_findings(*map, errors_before, findings);
    add_unlisted(*map, candidate.path.filename().string(), findings);
  }
}

// A bundle that is only older than what is here is no alarm where a good one of its channel lies beside it: an import
// takes that one and passes the older over.
void pass_over_older(const std::vector<bundle::HeadCandidate>& heads, const std::vector<std::size_t>& begins,
                     std::vector<base::Finding>& findings) {
  std::set<std::string> good;  // channels
  for (std::size_t i = heads.size(); i-- > 0;) {
    const auto first = findings.begin() + static_cast<std::ptrdiff_t>(begins[i]);
    const auto last = findings.begin() + static_cast<std::ptrdiff_t>(begins[i + 1]);
    const bool is_good =
        std::none_of(first, last, [](const base::Finding& finding) { return finding.severity == Severity::error; });
    if (is_good) {
      good.insert(heads[i].hint.channel);
    } else if (good.contains(heads[i].hint.channel)) {
      std::for_each(first, last, [](base::Finding& finding) {
        if (finding.code == ErrorCode::rollback) {
          finding.severity = Severity::note;
        }
      });
    }
  }
}

}  // namespace

void Findings::add(Severity severity, ErrorCode code, std::string subject, std::string message) {
  m_list->push_back({severity, code, std::move(subject), std::move(message)});
}

void Findings::add(const Error& error, std::string subject) {
  std::string message = error.message();
  for (const auto& line : error.context()) {
    message += "; while " + (line.starts_with("while ") ? line.substr(6) : line);
  }
  if (!error.hint().empty()) {
    message += " (" + error.hint() + ")";
  }
  add(Severity::error, error.code(), std::move(subject), std::move(message));
}

std::size_t Findings::errors() const {
  return static_cast<std::size_t>(std::count_if(
      m_list->begin(), m_list->end(), [](const base::Finding& each) { return each.severity == Severity::error; }));
}

int VerifyReport::exit_code() const {
  int worst = 0;
  for (const auto& finding : findings) {
    if (finding.severity != Severity::error) {
      continue;
    }
    const int code = base::error_code_info(finding.code).exit_code;
    if (worst == 0 || severity_rank(code) < severity_rank(worst)) {
      worst = code;
    }
  }
  return worst;
}

std::vector<std::pair<std::string, base::Time>> expiries_of(const trust::TrustedSet& trusted) {
  std::vector<std::pair<std::string, base::Time>> expiries = {{"root", trusted.root.expires},
                                                              {"timestamp", trusted.timestamp.expires},
                                                              {"snapshot", trusted.snapshot.expires},
                                                              {"targets", trusted.targets.expires}};
  for (const auto& [name, role] : trusted.delegated) {
    expiries.emplace_back(name, role.expires);
  }
  return expiries;
}

VerifyReport verify_bundle(const VerifyOptions& options, base::Reporter& reporter) {
  VerifyReport report;
  const auto policy = load_policy(options.home);
  const RootChoice roots(options);
  const auto state = state_if_any(options.home);
  BundleFiles files;
  try {
    files = find_bundles({options.bundle}, options.volumes);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::volume_missing) {
      throw;
    }
    Findings(report.findings).add(error, options.bundle.string());
    return report;
  }
  std::vector<std::size_t> begins;  // of the findings of each
  for (const auto& candidate : files.heads) {
    begins.push_back(report.findings.size());
    verify_one(candidate, files, roots, policy, state.get(), options, reporter, report);
  }
  begins.push_back(report.findings.size());
  pass_over_older(files.heads, begins, report.findings);
  return report;
}

}  // namespace airlock::workflow
