#include "workflow/local_approvals.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/text.hpp"
#include "bundle/folder.hpp"
#include "bundle/inspection.hpp"
#include "bundle/local_approval.hpp"
#include "ecosystem/ecosystem.hpp"
#include "trust/dsse.hpp"
#include "workflow/approved_head.hpp"
#include "workflow/named_keys.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/policy.hpp"
#include "workflow/verify_parts.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Severity;

constexpr std::string_view k_front = "{\n \"payload\": \"";  // of every envelope that airlock writes
constexpr std::size_t k_most_officers = 64;
constexpr std::size_t k_most_approvals = 256;        // of one bundle that are looked at
constexpr std::size_t k_policy_bytes = 1024 * 1024;  // bytes

fs::path officers_folder(const Home& home) {
  return home.config / "approvers";
}

fs::path approvals_folder(const Home& home) {
  return home.root / "approvals";
}

// By the bundle's id, since two producers may have bundles of one name; short, whatever the channel is called.
fs::path kept_file(const Home& home, const bundle::VerifiedBundle& verified, const std::string& keyid,
                   const ApprovedFor& what) {
  constexpr std::size_t k_digits = 12;  // hex, of an id in a file name
  return approvals_folder(home) / fmt::format("{}-{}-{}{}.json", verified.descriptor().serial,
                                              verified.bundle_id().substr(0, k_digits), keyid.substr(0, k_digits),
                                              what.expired_since ? "-expired" : "");
}

std::vector<fs::path> files_if_there(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_directory(folder, ignored) ? bundle::list_regular_files(folder) : std::vector<fs::path>();
}

class LocalSearch {
 public:
  LocalSearch(const bundle::VerifiedBundle& verified, const Officers& officers, const ApprovedFor& what)
      : m_verified(verified), m_officers(officers), m_what(what) {}

  void take(const fs::path& file) {
    std::error_code error;
    const fs::path place = fs::weakly_canonical(file, error);
    if (!m_seen.insert(error ? file : place).second || !is_local_approval_file(file)) {
      return;
    }
    const std::string name = bundle::printable_path(file);
    try {
      read(file, name);
    } catch (const Error& failure) {
      note(Severity::warning, failure.code() == ErrorCode::malformed ? ErrorCode::tampered : failure.code(), name,
           failure.message());
    }
  }

  // One a person, whoever's file was met first.
  LocalCount finish() {
    LocalCount count{.needed = m_officers.role.threshold, .findings = std::move(m_findings)};
    const auto people = trust::distinct_signers(m_messages, m_officers.role, m_officers.keys);
    for (const std::string& keyid : people) {
      const auto by = std::ranges::find_if(
          m_files, [&](const File& file) { return std::ranges::find(file.signers, keyid) != file.signers.end(); });
      count.approved.push_back({.keyid = keyid,
                                .name = m_officers.names.at(keyid),
                                .file = by == m_files.end() ? fs::path() : by->path,
                                .envelope = by == m_files.end() ? "" : by->envelope});
    }
    for (const auto& [keyid, name] : m_officers.names) {
      const auto& key = m_officers.keys.at(keyid);
      const bool there = std::ranges::any_of(
          people, [&](const std::string& signer) { return m_officers.keys.at(signer).same_key(key); });
      if (!there) {
        count.missing.push_back(name);
      }
    }
    return count;
  }

 private:
  struct File {
    fs::path path;
    std::string envelope;
    std::vector<std::string> signers;  // keyids
  };

  void read(const fs::path& file, const std::string& name) {
    std::string bytes = base::read_file(file, bundle::k_local_approval_limit);
    trust::Envelope envelope = trust::parse_envelope(bytes, name, bundle::k_local_approval_limit);
    if (envelope.payload_type != bundle::k_local_approval_type) {
      return;  // a shipment, a provenance: not this search's business
    }
    const auto statement = bundle::parse_local_approval(envelope.payload, name);
    if (statement.bundle_id != m_verified.bundle_id() || statement.producer != m_verified.producer() ||
        statement.channel != m_verified.descriptor().channel || statement.serial != m_verified.descriptor().serial) {
      note(Severity::note, ErrorCode::foreign, name,
           fmt::format("approves bundle '{}' {}, with another id, and was passed over", statement.channel,
                       statement.serial));
      return;
    }
    if (m_what.expired_since && statement.time < *m_what.expired_since) {
      note(Severity::note, ErrorCode::expired, name,
           fmt::format("is of {}, before this bundle expired, and says nothing about that",
                       base::to_rfc3339(statement.time)));
      return;
    }
    // So much work may a stranger's file be.
    if (envelope.signatures.size() != 1) {
      note(Severity::warning, ErrorCode::untrusted, name,
           fmt::format("has {} signatures; an approval has one", envelope.signatures.size()));
      return;
    }
    if (m_files.size() == k_most_approvals) {
      note(Severity::warning, ErrorCode::limit, name,
           fmt::format("was passed over: more than {} files approve this bundle", k_most_approvals));
      return;
    }
    // The keyid is a hint that nothing protects, as in every envelope.
    if (auto& keyid = envelope.signatures.front().keyid; !m_officers.keys.contains(keyid)) {
      keyid.clear();
    }
    trust::SignedMessage message{.message = trust::dsse_pae(envelope.payload_type, envelope.payload),
                                 .signatures = envelope.signatures};
    auto signers = trust::distinct_signers({message}, m_officers.role, m_officers.keys);
    if (signers.empty()) {
      note(Severity::warning, ErrorCode::untrusted, name, "is signed by no officer of this site");
      return;
    }
    m_messages.push_back(std::move(message));
    m_files.push_back({.path = file, .envelope = std::move(bytes), .signers = std::move(signers)});
  }

  void note(Severity severity, ErrorCode code, const std::string& name, std::string message) {
    m_findings.push_back({.severity = severity, .code = code, .subject = name, .message = std::move(message)});
  }

  const bundle::VerifiedBundle& m_verified;
  const Officers& m_officers;
  ApprovedFor m_what;
  std::set<fs::path> m_seen;
  std::vector<trust::SignedMessage> m_messages;
  std::vector<File> m_files;
  std::vector<base::Finding> m_findings;
};

BundleFiles only_bundle(const LocalApproveOptions& options) {
  BundleFiles files = find_bundles({options.bundle}, options.folders);
  if (files.heads.size() != 1) {
    throw Error(ErrorCode::usage, fmt::format("{} holds {} bundles", options.bundle.string(), files.heads.size()))
        .with_hint("name one of them");
  }
  return files;
}

// Of what an import may be told to accept although it has expired, nothing depends on these.
bool is_fresh_beneath(const trust::TrustedSet& trusted, base::Time now) {
  return trusted.root.expires > now && trusted.targets.expires > now &&
         std::ranges::all_of(trusted.delegated, [now](const auto& role) { return role.second.expires > now; });
}

std::uint64_t officers_needed(const LocalApproveOptions& options) {
  const SitePolicy policy = load_site_policy(options.home);
  return options.accept_expired ? policy.expired_approvals : policy.bundle.local_approvals;
}

// As an import proves it, and nothing is kept.
bundle::VerifiedBundle prove_for_site(const ApprovedHead& opened, const LocalApproveOptions& options,
                                      const base::Clock& clock) {
  const Home& home = options.home;
  const bundle::Policy policy = load_policy(home);
  const auto roots = read_pinned_roots(home);
  const PinnedRoot& root = require_root_for(opened.head, roots, home);
  std::unique_ptr<store::StateDb> state;
  try {
    state = std::make_unique<store::StateDb>(home.root, store::StateDb::Access::read);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) {
      throw;
    }
  }
  std::vector<base::Finding> list;
  auto verified = verify_signatures(opened, root, policy, state.get(), {clock.now(), options.built}, Findings(list));
  const bool may_be_old = options.accept_expired && verified && is_fresh_beneath(verified->trusted(), clock.now());
  for (const base::Finding& finding : list) {
    if (finding.severity == Severity::error && !(may_be_old && finding.code == ErrorCode::expired)) {
      throw Error(finding.code, finding.message).with_hint("an import would refuse it too; nothing was approved");
    }
  }
  return std::move(verified.value());
}

std::vector<std::string> names_of(const std::vector<CountedApproval>& approved) {
  std::vector<std::string> names;
  std::ranges::transform(approved, std::back_inserter(names), &CountedApproval::name);
  return names;
}

}  // namespace

std::optional<base::Time> expired_since(const trust::TrustedSet& trusted, base::Time now) {
  std::optional<base::Time> since;
  for (const base::Time expires : {trusted.timestamp.expires, trusted.snapshot.expires}) {
    if (expires <= now) {
      since = std::max(since, std::optional(expires));
    }
  }
  return since;
}

Officers read_officers(const Home& home, std::uint64_t needed) {
  Officers officers{.role = {.keyids = {}, .threshold = needed}, .keys = {}, .names = {}};
  for (const NamedKey& officer : read_named_keys(officers_folder(home))) {
    const std::string& keyid = officer.key.keyid();
    if (officers.keys.emplace(keyid, officer.key).second) {
      officers.role.keyids.push_back(keyid);
      officers.names.emplace(keyid, officer.name);
    }
  }
  const std::size_t people = trust::count_distinct_keys(officers.role, officers.keys);
  if (people < needed || people > k_most_officers) {
    throw Error(ErrorCode::config, fmt::format("the policy asks for {} local approvals, and {} holds the keys of {}",
                                               needed, officers_folder(home).string(), people))
        .with_hint(
            fmt::format("put the public key of each officer there as NAME.pub.json, at most {}", k_most_officers));
  }
  return officers;
}

bool is_local_approval_file(const fs::path& file) {
  try {
    const base::Fd fd = base::open_for_reading(file);
    std::string front(k_front.size(), '\0');
    const std::uint64_t size = base::file_size(fd.get(), file.string());
    if (size < front.size() || size > bundle::k_local_approval_limit) {
      return false;
    }
    base::pread_exact(fd.get(), std::as_writable_bytes(std::span(front)), 0, "");
    return front == k_front;
  } catch (const Error&) {
    return false;
  }
}

LocalCount count_local_approvals(const bundle::VerifiedBundle& verified, const Officers& officers,
                                 const BundleFiles& files, const Home& home, const ApprovedFor& what) {
  LocalSearch search(verified, officers, what);
  const fs::path& head = verified.head().file();
  std::vector<fs::path> folders = files.folders;
  folders.push_back(head.has_parent_path() ? head.parent_path() : fs::path("."));
  folders.push_back(approvals_folder(home));
  for (const fs::path& file : files.approvals) {
    search.take(file);
  }
  for (const fs::path& folder : folders) {
    for (const fs::path& file : files_if_there(folder)) {
      search.take(file);
    }
  }
  return search.finish();
}

void keep_local_approvals(const bundle::VerifiedBundle& verified, const LocalCount& count, const Home& home,
                          const ApprovedFor& what) {
  base::make_directories(approvals_folder(home));
  for (const CountedApproval& approval : count.approved) {
    const fs::path path = kept_file(home, verified, approval.keyid, what);
    if (std::error_code ignored; !fs::exists(path, ignored)) {
      base::write_file_atomic(path, approval.envelope, 0444);
    }
  }
}

LocalReview review_for_site(const LocalApproveOptions& options, const base::Clock& clock) {
  const BundleFiles files = only_bundle(options);
  const ApprovedHead opened = read_approved_head(files.heads.front().path, files);
  LocalReview review{.verified = prove_for_site(opened, options, clock), .before = {}, .text = {}};
  if (options.accept_expired) {
    review.what.expired_since = expired_since(review.verified.trusted(), clock.now());
    if (!review.what.expired_since) {
      throw Error(ErrorCode::usage, "neither timestamp nor snapshot of this bundle has expired")
          .with_hint("leave out --accept-expired");
    }
  }
  const Officers officers = read_officers(options.home, officers_needed(options));
  review.before = count_local_approvals(review.verified, officers, files, options.home, review.what);
  bundle::Inspection inspection = bundle::inspect(opened.head, clock.now(), ecosystem::belongs);
  inspection.names = known_names(options.home);
  inspection.root_is_trusted("the bundle was proven under the one that is pinned here");
  review.text = bundle::render_text(inspection, nullptr, bundle::Detail::summary);
  return review;
}

LocalApproveReport approve_for_site(const LocalApproveOptions& options, const LocalReview& review,
                                    const trust::Signer& signer, const base::Clock& clock) {
  const Officers officers = read_officers(options.home, officers_needed(options));
  const std::string& keyid = signer.public_key().keyid();
  const auto officer = officers.names.find(keyid);
  if (officer == officers.names.end()) {
    throw Error(ErrorCode::untrusted, fmt::format("key {} is no officer's of this site", keyid.substr(0, 12)))
        .with_hint(
            fmt::format("an administrator puts its public half into {}", officers_folder(options.home).string()));
  }
  const bundle::VerifiedBundle& verified = review.verified;
  const trust::TrustedSet& trusted = verified.trusted();
  const bundle::LocalApproval statement{
      .producer = verified.producer(),
      .channel = verified.descriptor().channel,
      .serial = verified.descriptor().serial,
      .bundle_id = verified.bundle_id(),
      .root_version = trusted.root.version,
      .snapshot_version = trusted.snapshot.version,
      .snapshot_sha256 = base::sha256(trusted.snapshot_file.bytes),
      .policy_sha256 =
          base::sha256(base::read_file_if_exists(options.home.config / "policy.yaml", k_policy_bytes).value_or("")),
      .time = clock.now(),
      .tool = "airlock " AIRLOCK_VERSION,
      .reason = options.reason,
      .ticket = options.ticket};
  LocalApproveReport report;
  report.written = options.output;
  if (options.output.empty()) {
    base::make_directories(approvals_folder(options.home));
    report.written = kept_file(options.home, verified, keyid, review.what);
  }
  if (std::error_code ignored; fs::exists(report.written, ignored)) {
    throw Error(ErrorCode::conflict, fmt::format("{} exists already", report.written.string()))
        .with_hint("name another file with -o, or leave it: each person counts once");
  }
  base::write_file_atomic(report.written,
                          trust::sign_envelope(bundle::k_local_approval_type, to_text(statement), {&signer}));
  report.channel = statement.channel;
  report.serial = statement.serial;
  report.bundle_id = statement.bundle_id;
  report.keyid = keyid;
  report.name = officer->second;
  BundleFiles files{.heads = {}, .folders = options.folders, .approvals = {report.written}};
  const LocalCount count = count_local_approvals(verified, officers, files, options.home, review.what);
  report.approved = names_of(count.approved);
  report.missing = count.missing;
  report.needed = count.needed;
  return report;
}

}  // namespace airlock::workflow
