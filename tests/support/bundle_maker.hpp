// Complete signed bundles from a few texts, for every test that needs one. Add tests/support/bundle_maker.cpp to the
// sources of the test program and airlock_bundle to what it links.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bundle/authoring.hpp"
#include "bundle/verified_bundle.hpp"
#include "trust/root_authoring.hpp"

namespace airlock::test {

inline base::Time bundle_time(int day = 0) {  // days count from 2026-07-01, noon
  return base::parse_rfc3339("2026-07-01T12:00:00Z") + std::chrono::days(day);
}

// A producer's keys: one Ed25519 key a role, `approvers` for snapshot, of whom `threshold` must sign.
class ProducerKeys {
 public:
  explicit ProducerKeys(std::size_t approvers = 1, std::uint64_t threshold = 1, std::string channel = "");

  // All keys of all roles, or only those of `roles`.
  bundle::SigningSet signing_set() const;
  bundle::SigningSet signing_set(const std::set<std::string>& roles) const;
  // The first `count` approvers and everybody else.
  bundle::SigningSet signing_set_of_approvers(std::size_t count) const;
  const std::string& first_root() const { return m_roots.front(); }
  const std::string& newest_root() const { return m_roots.back(); }
  const std::vector<std::string>& roots() const { return m_roots; }
  trust::Signer& signer(const std::string& role, std::size_t number = 0) const {
    return *m_signers.at(role).at(number);
  }
  // A new root in which the role has new keys.
  void rotate(const std::string& role);
  // A new root with one more approver, of whom `threshold` must sign.
  void add_approver(std::uint64_t threshold);
  // Signs a root of its own making in the place of the newest one: for roots that no honest producer makes.
  void replace_newest_root(const base::Json& signed_part);

 private:
  trust::RootPlan plan() const;

  std::map<std::string, std::vector<std::shared_ptr<trust::Signer>>> m_signers;
  std::uint64_t m_threshold;
  std::string m_channel;
  std::vector<std::string> m_roots;
};

// One row and its content. What is empty gets a value that fits.
struct BundleFile {
  std::string ecosystem, path, content;
  std::string artifact = {};
  std::string media_type = {};
  std::string platform = {};
  model::Kind kind = model::Kind::file;
  model::Verified verified = model::Verified::upstream_digest;
};
// An image with a tag, a tool for two platforms, a plain file, and an npm package that is known but not here.
std::vector<BundleFile> sample_files();
BundleFile text_file(const std::string& path, std::string content);  // of ecosystem "file"

struct BundlePlan {
  std::string channel = "site-a";
  std::uint64_t serial = 1;
  std::uint64_t shipment = 1;
  base::Time created = bundle_time();
  std::optional<std::uint64_t> volume_size = {};  // bytes
  std::set<std::string> omit = {};                // paths whose content the shipment leaves out
  bool metadata_only = false;
  std::optional<bundle::HeadContents> previous = {};
  std::vector<bundle::Revoked> revoked = {};
  bool sealed = true;
  std::optional<std::size_t> approvers = {};  // how many have signed; empty: all
  std::filesystem::path single_file = {};     // the head's name; empty: by channel, serial and shipment
  // Changes what is signed or written, after it was made and before it is: for bundles that nobody honest makes.
  std::function<void(bundle::Shipment&)> change_shipment = {};
  std::function<void(bundle::HeadContents&)> change_head = {};
};

struct MadeBundle {
  std::filesystem::path head;
  std::vector<std::filesystem::path> volumes;
  bundle::HeadContents contents;
  std::string bundle_id;  // hex
};

model::Lock make_lock(const std::vector<BundleFile>& files, const std::string& channel);
// Writes a bundle into `directory`.
MadeBundle make_bundle(const std::filesystem::path& directory, const std::vector<BundleFile>& files,
                       const ProducerKeys& keys, const BundlePlan& plan = {});

// Verification as a site does it that pinned the first root, on the day after.
bundle::VerifyOptions verify_options(const ProducerKeys& keys, base::Time now = bundle_time(1));

}  // namespace airlock::test
