#include <chrono>
#include <ctime>

#include "base/files.hpp"
#include "base/tar.hpp"
#include "bundle/layout.hpp"
#include "bundle/verified_bundle.hpp"
#include "support/bundle_maker.hpp"
#include "support/errors.hpp"
#include "support/head_file.hpp"

using namespace airlock;
using namespace airlock::bundle;
using namespace airlock::test;
using airlock::base::ErrorCode;

namespace {

VerifiedBundle verify(const MadeBundle& made, const VerifyOptions& options) {
  EmptyStateStore state;
  return verify_head(Head::read(made.head), state, options);
}

}  // namespace

TEST_CASE("an honest bundle verifies, however it is sent", "[bundle][verify]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(8192));
  const bool delta = GENERATE(false, true);
  BundlePlan plan{.volume_size = volume_size};
  if (delta) {
    plan.omit = {"opentofu/1.12.6/tofu_amd64.zip", "registry.example_5000/library/debian:12",
                 "registry.example_5000/library/debian@" + base::sha256(sample_files()[0].content).to_string()};
  }
  const auto made = make_bundle(folder.path(), sample_files(), keys, plan);
  const VerifiedBundle bundle = verify(made, verify_options(keys));
  CHECK(bundle.bundle_id() == made.bundle_id);
  CHECK(bundle.descriptor().channel == "site-a");
  CHECK(bundle.descriptor().serial == 1);
  CHECK(bundle.approvals() == 1);
  CHECK(bundle.shipment().kind == (delta ? Shipment::Kind::delta : Shipment::Kind::full));
  CHECK(bundle.blobs().size() == 7);
  CHECK(bundle.attachments().size() == 2);
  CHECK(bundle.revoked().empty());
  std::vector<std::string> paths;
  bundle.for_each_row([&](const model::FileRow& row) { paths.push_back(row.ecosystem + ":" + row.path); });
  CHECK(paths.size() == 7);
  CHECK(paths.front() == "file:docs/guide.txt");
  CHECK(bundle.blobs().front().sha256 == base::sha256("read me\n"));
  CHECK(bundle.blobs().back().sha256 == bundle.attachments().back().sha256);
}

TEST_CASE("a delta in one file with more blobs than were signed is refused while its blobs are listed",
          "[bundle][verify]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), sample_files(), keys, {.omit = {"opentofu/1.12.6/tofu_amd64.zip"}});
  CHECK_NOTHROW(verify(made, verify_options(keys)));
  std::string bytes = base::read_file(made.head, 1u << 24);
  bytes.resize(bytes.size() - base::k_tar_end_size);
  bytes += base::tar_header(blob_member_name(base::sha256("nobody listed")), 0, 0);
  base::write_file_atomic(made.head, bytes + std::string(base::k_tar_end_size, '\0'));
  CHECK(code_of([&] { return verify(made, verify_options(keys)); }) == ErrorCode::tampered);
}

TEST_CASE("metadata alone verifies", "[bundle][verify]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made =
      make_bundle(folder.path(), sample_files(), keys, {.metadata_only = true, .revoked = {"pkg:npm/evil@1.0.0"}});
  const VerifiedBundle bundle = verify(made, verify_options(keys));
  CHECK(bundle.shipment().kind == Shipment::Kind::metadata);
  CHECK(bundle.revoked() == std::vector<Revoked>{"pkg:npm/evil@1.0.0"});
}

TEST_CASE("a chain of states verifies, with keys that changed on the way", "[bundle][verify]") {
  const base::TempDir folder;
  ProducerKeys keys;
  auto made = make_bundle(folder.path(), sample_files(), keys);
  for (std::uint64_t serial = 2; serial <= 6; ++serial) {
    keys.rotate(std::vector<std::string>{"timestamp", "targets", "snapshot", "root", "timestamp"}.at(serial - 2));
    made = make_bundle(folder.path(), serial % 2 == 0 ? std::vector{text_file("a", "a")} : sample_files(), keys,
                       {.serial = serial, .previous = made.contents});
    CAPTURE(serial);
    CHECK(verify(made, verify_options(keys)).descriptor().serial == serial);
  }
  // A site that pinned a later root follows from there.
  VerifyOptions options = verify_options(keys);
  options.pinned_root = keys.roots().at(3);
  CHECK(verify(made, options).descriptor().serial == 6);
  options.pinned_root = keys.newest_root();
  CHECK(verify(made, options).descriptor().serial == 6);
}

TEST_CASE("a bundle is for those who pinned its root only", "[bundle][verify]") {
  const base::TempDir folder;
  const ProducerKeys keys, others;
  const auto made = make_bundle(folder.path(), sample_files(), keys);
  CHECK(code_of([&] { return verify(made, verify_options(others)); }) == ErrorCode::untrusted);
}

TEST_CASE("a bundle for another channel is foreign", "[bundle][verify]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), sample_files(), keys);
  VerifyOptions options = verify_options(keys);
  options.channel = "site-b";
  CHECK(code_of([&] { return verify(made, options); }) == ErrorCode::foreign);
}

TEST_CASE("a draft is incomplete, not untrusted", "[bundle][verify]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), sample_files(), keys, {.sealed = false});
  CHECK(code_of([&] { return verify(made, verify_options(keys)); }) == ErrorCode::approval_missing);
}

TEST_CASE("time decides over an import", "[bundle][verify]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), sample_files(), keys);
  CHECK(verify(made, verify_options(keys, bundle_time(89))).approvals() == 1);
  CHECK(code_of([&] { return verify(made, verify_options(keys, bundle_time(91))); }) == ErrorCode::expired);
  CHECK(code_of([&] { return verify(made, verify_options(keys, bundle_time(-2))); }) == ErrorCode::clock);
  CHECK(verify(made, verify_options(keys, bundle_time() - std::chrono::hours(23))).approvals() == 1);
  VerifyOptions options = verify_options(keys, bundle_time(100));
  options.expiry = {{"timestamp", trust::Expiry::accept}};
  CHECK(verify(made, options).approvals() == 1);
}

TEST_CASE("the policy says which ecosystems a channel may fill", "[bundle][verify]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), sample_files(), keys);
  VerifyOptions options = verify_options(keys);
  options.policy.namespaces = {{"site-b", {"npm"}}};
  CHECK(code_of([&] { return verify(made, options); }) == ErrorCode::foreign);  // there are rules, and none for it
  options.policy.namespaces = {{"site-b", {"npm"}}, {"*", {"oci", "tool", "file", "npm"}}};
  CHECK(verify(made, options).approvals() == 1);
  options.policy.namespaces = {{"site-a", {"oci", "tool", "file", "npm"}}};
  CHECK(verify(made, options).approvals() == 1);
  options.policy.namespaces = {{"site-a", {"oci", "tool", "file"}}};
  CHECK(code_of([&] { return verify(made, options); }) == ErrorCode::foreign);
}

TEST_CASE("the policy's floors hold", "[bundle][verify]") {
  const base::TempDir folder;
  const ProducerKeys keys(2, 1);
  const auto made = make_bundle(folder.path(), sample_files(), keys);
  VerifyOptions options = verify_options(keys);
  options.policy.trust.minimum_threshold = {{"snapshot", 2}};
  CHECK(code_of([&] { return verify(made, options); }) == ErrorCode::untrusted);
  options = verify_options(keys);
  options.policy.trust.longest_lifetime = {{"timestamp", std::chrono::hours(24 * 30)}};
  CHECK(code_of([&] { return verify(made, options); }) == ErrorCode::untrusted);
}

TEST_CASE("the producer is never taken from the medium", "[bundle][verify]") {
  const base::TempDir folder;
  ProducerKeys keys;
  const auto identity = [](const std::string& root) {
    return trust::identity(trust::parse_signed(root, "root", trust::k_root_limit)).hex();
  };
  keys.rotate("timestamp");
  const auto made = make_bundle(folder.path(), sample_files(), keys);
  VerifyOptions options = verify_options(keys);
  CHECK(verify(made, options).producer() == identity(keys.first_root()));
  options.pinned_root = keys.newest_root();
  CHECK(verify(made, options).producer() == identity(keys.newest_root()));
  options.producer = identity(keys.first_root());
  CHECK(verify(made, options).producer() == identity(keys.first_root()));
}

TEST_CASE("approvals are counted by people", "[bundle][verify]") {
  const base::TempDir folder;
  const ProducerKeys keys(3, 2);
  const auto made = make_bundle(folder.path(), sample_files(), keys);
  CHECK(verify(made, verify_options(keys)).approvals() == 3);
}

TEST_CASE("fifty thousand rows are verified at once", "[bundle][verify]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  model::Lock lock;
  lock.channel = "site-a";
  lock.request = base::sha256("wish");
  for (int i = 0; i < 50'000; ++i) {
    const std::string number = std::to_string(100'000 + i);
    lock.rows.push_back({.ecosystem = "npm",
                         .path = "package-" + number + "/-/package-" + number + "-1.2.3.tgz",
                         .artifact = "pkg:npm/package-" + number + "@1.2.3",
                         .kind = model::Kind::file,
                         .media_type = "application/octet-stream",
                         .origin = "https://registry.example/package-" + number + "/-/package-" + number + "-1.2.3.tgz",
                         .verified = model::Verified::upstream_digest,
                         .length = 1234,
                         .sha256 = base::sha256(number)});
  }
  AuthoredState state = author_state(
      {.lock = lock, .serial = 1, .created = bundle_time(), .attachments = {}, .revoked = {}, .previous = {}},
      keys.signing_set());
  seal(state.head, {.kind = Shipment::Kind::metadata, .omitted_blobs = 50'000}, bundle_time(), keys.signing_set());
  write_head(folder.path() / "b", state.head);
  const std::clock_t start = std::clock();
  EmptyStateStore store;
  const VerifiedBundle bundle = verify_head(Head::read(folder.path() / "b"), store, verify_options(keys));
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  CHECK(bundle.blobs().size() == 50'000);
  // Of the processor, and generous: this also runs unoptimised and under sanitizers.
  CHECK(seconds < 20);
}
