// The second set of eyes on the receiving side: officers of the site who have to approve a bundle before it is taken in
// (`local_approvals` in policy.yaml).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/reporter.hpp"
#include "bundle/verified_bundle.hpp"
#include "trust/metadata.hpp"
#include "workflow/bundle_files.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// Those whose public keys lie in CONFIG/approvers (workflow/named_keys.hpp).
struct Officers {
  trust::RoleKeys role;  // its threshold is how many are asked for
  std::map<std::string, trust::PublicKey> keys;
  std::map<std::string, std::string> names;  // by keyid: what the file says, else the name of the file
};
// Throws config when a file there is no public key, or when there are fewer people than `needed`.
Officers read_officers(const Home& home, std::uint64_t needed);

struct CountedApproval {
  std::string keyid, name;
  std::filesystem::path file;
  std::string envelope;  // as it stands
};
struct LocalCount {
  std::vector<CountedApproval> approved;  // one a person
  std::vector<std::string> missing;       // names of those who have not
  std::uint64_t needed = 0;
  std::vector<base::Finding> findings;  // what claims to be an approval and does not count
  bool complete() const { return approved.size() >= needed; }
};
// From when on a timestamp or snapshot that has expired at `now` was so; nullopt: neither has.
std::optional<base::Time> expired_since(const trust::TrustedSet& trusted, base::Time now);

// What an approval is for: that the state is taken in, or that it is although something of it has expired. Only who
// signed after that moment can have meant the second.
struct ApprovedFor {
  std::optional<base::Time> expired_since = {};
};
// Looks beside the head, in the folders and at the files of `files`, and in HOME/approvals, by content.
LocalCount count_local_approvals(const bundle::VerifiedBundle& verified, const Officers& officers,
                                 const BundleFiles& files, const Home& home, const ApprovedFor& what = {});

// What was counted, into HOME/approvals: it stays with the home, wherever it came from.
void keep_local_approvals(const bundle::VerifiedBundle& verified, const LocalCount& count, const Home& home,
                          const ApprovedFor& what = {});

// Whether a file holds an envelope of a local approval; nothing is proven by it.
bool is_local_approval_file(const std::filesystem::path& file);

struct LocalApproveOptions {
  Home home;
  std::filesystem::path bundle;
  std::vector<std::filesystem::path> folders;  // further ones with volumes or approvals
  std::filesystem::path output;                // empty: HOME/approvals/SERIAL-BUNDLE-KEY.json
  std::string reason, ticket;
  bool accept_expired = false;           // the officer agrees although timestamp or snapshot has expired
  std::optional<base::Time> built = {};  // no clock is right before (base::build_date)
};
// A bundle that an officer looks at: proven against the pinned root and what this site knows, as an import would.
// Throws what that throws.
struct LocalReview {
  bundle::VerifiedBundle verified;
  LocalCount before;
  std::string text;  // what is in it
  ApprovedFor what = {};
};
LocalReview review_for_site(const LocalApproveOptions& options, const base::Clock& clock);

struct LocalApproveReport {
  std::filesystem::path written;
  std::string channel;
  std::uint64_t serial = 0;
  std::string bundle_id, keyid, name;
  std::vector<std::string> approved, missing;  // names
  std::uint64_t needed = 0;
};
// Writes an approval of it by `signer`. Throws untrusted when that is no officer's key, conflict when `output` exists.
LocalApproveReport approve_for_site(const LocalApproveOptions& options, const LocalReview& review,
                                    const trust::Signer& signer, const base::Clock& clock);

}  // namespace airlock::workflow
