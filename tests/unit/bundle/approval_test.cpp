#include "bundle/approval.hpp"

#include <filesystem>

#include "bundle/authoring.hpp"
#include "bundle/draft_proof.hpp"
#include "bundle/layout.hpp"
#include "bundle/verified_bundle.hpp"
#include "support/bundle_maker.hpp"
#include "support/errors.hpp"

using namespace airlock;
using namespace airlock::bundle;
using airlock::base::ErrorCode;
using airlock::test::bundle_time;
using airlock::test::code_of;
using airlock::test::make_bundle;
using airlock::test::ProducerKeys;
using airlock::test::sample_files;
namespace fs = std::filesystem;

namespace {

// A draft that nobody has approved, of a producer who wants two of three.
struct Ceremony {
  base::TempDir folder;
  base::TempDir elsewhere;
  ProducerKeys keys{3, 2};
  Shipment shipment;
  test::MadeBundle made;
  Head head;

  explicit Ceremony(std::optional<std::uint64_t> volume_size = std::nullopt)
      : made(make_bundle(folder.path(), sample_files(), keys,
                         {.volume_size = volume_size,
                          .sealed = false,
                          .approvers = 0,
                          .change_shipment = [this](Shipment& made_one) { shipment = made_one; }})),
        head(Head::read(made.head)) {}

  trust::Root root() const {
    return trust::parse_root(trust::parse_signed(keys.newest_root(), "root", trust::k_root_limit));
  }

  Approval by(std::vector<std::size_t> approvers) const {
    HeadSnapshot snapshot = snapshot_of(head);
    for (const std::size_t number : approvers) {
      snapshot.file = trust::parse_signed(trust::add_signature(snapshot.file, keys.signer("snapshot", number)),
                                          snapshot.name, trust::k_metadata_ceiling);
    }
    return approvals_in(snapshot, root(), head.hint().serial);
  }

  Approval sealed_by(std::vector<std::size_t> approvers, base::Time when = bundle_time()) const {
    Approval approval = by(std::move(approvers));
    HeadSnapshot snapshot = snapshot_of(head);
    merge_approval(snapshot, approval, root());
    HeadContents contents = head.contents();
    contents.metadata[snapshot.name] = snapshot.file.bytes;
    bundle::seal(contents, shipment, when, keys.signing_set());
    approval.seal = {.timestamp = contents.metadata.at("timestamp.json"), .shipment = contents.shipment};
    return approval;
  }

  void put(const fs::path& file, const Approval& approval) const { base::write_file_atomic(file, to_text(approval)); }

  Head composed(std::vector<base::Finding>* findings = nullptr) const {
    std::vector<base::Finding> found;
    Head result = with_approvals(head, {.folders = {elsewhere.path()}, .files = {}}, found);
    if (findings != nullptr) {
      *findings = found;
    }
    return result;
  }
  std::size_t verified_approvals() const {
    EmptyStateStore nothing;
    return verify_head(composed(), nothing, test::verify_options(keys)).approvals();
  }
  std::size_t approvals() const { return count_approvals(snapshot_of(composed()).file, root()).approved.size(); }
};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("approvals are read as they were written, and nothing else is", "[bundle][approval]") {
  const Ceremony ceremony;
  const Approval approval = ceremony.sealed_by({0, 2});
  const std::string text = to_text(approval);
  CHECK(parse_approval(text, "a") == approval);
  CHECK(parse_approval(to_text(ceremony.by({1})), "a").signatures.size() == 1);
  const auto code = [](const std::string& bad) { return code_of([&] { return parse_approval(bad, "a"); }); };
  CHECK(code(text + " ") == ErrorCode::tampered);
  CHECK(code(replaced(text, "airlock-approval", "airlock-approvals")) == ErrorCode::tampered);
  CHECK(code(replaced(text, "\"snapshot\"", "\"root\"")) == ErrorCode::tampered);
  CHECK(code(replaced(text, "\"format\": 1", "\"format\": 2")) == ErrorCode::unsupported);
  CHECK(code(replaced(text, "site-a", "../a")) == ErrorCode::tampered);
  CHECK(code(replaced(text, "ed25519", "ED25519")) == ErrorCode::tampered);
  Approval none = approval;
  none.signatures.clear();
  CHECK(code(to_text(none)) == ErrorCode::tampered);
  Approval twice = approval;
  twice.signatures.push_back(twice.signatures.back());
  CHECK(code(to_text(twice)) == ErrorCode::tampered);
  Approval many = approval;
  for (char digit : std::string("0123456789abcdef")) {
    for (int i = 0; i < 5; ++i) {
      many.signatures.push_back(many.signatures.front());
      many.signatures.back().keyid = std::string(63, digit) + static_cast<char>('a' + i);
    }
  }
  std::ranges::sort(many.signatures, {}, &Approval::Signed::keyid);
  CHECK(code(to_text(many)) == ErrorCode::tampered);
}

TEST_CASE("approvals from several files come together, whatever they are called", "[bundle][approval]") {
  const Ceremony ceremony;
  CHECK(ceremony.approvals() == 0);
  ceremony.put(ceremony.folder.path() / "anna.sig.json", ceremony.by({0}));
  ceremony.put(ceremony.elsewhere.path() / "B0000017.BIN", ceremony.by({2}));
  CHECK(ceremony.approvals() == 2);
  CHECK(code_of([&] { return ceremony.verified_approvals(); }) == ErrorCode::approval_missing);
  // The same ones again change nothing.
  ceremony.put(ceremony.elsewhere.path() / "copy", ceremony.by({0, 2}));
  CHECK(ceremony.approvals() == 2);
}

TEST_CASE("a folder is listed once for all heads of a run", "[bundle][approval]") {
  const Ceremony ceremony;
  ceremony.put(ceremony.elsewhere.path() / "anna", ceremony.by({0}));
  const ApprovalPlaces places{
      .folders = {ceremony.elsewhere.path()}, .files = {}, .listing = std::make_shared<ApprovalListing>()};
  std::vector<base::Finding> findings;
  const auto approvals = [&] {
    return count_approvals(snapshot_of(with_approvals(ceremony.head, places, findings)).file, ceremony.root())
        .approved.size();
  };
  CHECK(approvals() == 1);
  ceremony.put(ceremony.elsewhere.path() / "carl", ceremony.by({2}));
  CHECK(approvals() == 1);  // came after the folder was listed
  CHECK(ceremony.approvals() == 2);
  // What is taken is read again, and of what lies there by then nothing else counts.
  auto other = ceremony.by({1});
  other.bundle_id = std::string(64, 'a');
  ceremony.put(ceremony.elsewhere.path() / "anna", other);
  CHECK(approvals() == 0);
}

TEST_CASE("a flood of files that approve something else is told of by its beginning", "[bundle][approval]") {
  const Ceremony ceremony;
  auto other = ceremony.by({1});
  other.bundle_id = std::string(64, 'a');
  for (std::size_t i = 0; i < k_approval_files_limit + 20; ++i) {
    ceremony.put(ceremony.elsewhere.path() / ("a" + std::to_string(i)), other);
  }
  ceremony.put(ceremony.elsewhere.path() / "z", ceremony.by({0}));
  std::vector<base::Finding> findings;
  CHECK(count_approvals(snapshot_of(ceremony.composed(&findings)).file, ceremony.root()).approved.size() == 1);
  CHECK(findings.size() == k_approval_files_limit);
}

TEST_CASE("a seal beside the head is as good as one in it", "[bundle][approval]") {
  const Ceremony ceremony(GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(10'000)));
  ceremony.put(ceremony.elsewhere.path() / "x", ceremony.sealed_by({0, 1}));
  CHECK(ceremony.verified_approvals() == 2);
  // Approvals beside it that were not sealed are no part of it.
  ceremony.put(ceremony.elsewhere.path() / "y", ceremony.by({2}));
  CHECK(ceremony.verified_approvals() == 2);
  // Of two seals the newer one counts.
  const Approval later = ceremony.sealed_by({0, 1, 2}, bundle_time(1));
  Approval newer = later;
  auto timestamp =
      trust::parse_timestamp(trust::parse_signed(later.seal->timestamp, "timestamp.json", trust::k_timestamp_limit));
  timestamp.version += 1;
  newer.seal->timestamp = trust::sign_role(trust::to_signed_part(timestamp), {&ceremony.keys.signer("timestamp")});
  ceremony.put(ceremony.elsewhere.path() / "z", newer);
  CHECK(ceremony.verified_approvals() == 3);
}

TEST_CASE("what does not belong to a head, or does not hold, blocks nothing that does", "[bundle][approval]") {
  const Ceremony ceremony;
  const Ceremony other;
  const fs::path hostile = ceremony.elsewhere.path() / "a-hostile";
  ErrorCode expected = ErrorCode::internal;
  SECTION("of another bundle") {
    ceremony.put(hostile, other.sealed_by({0, 1}));
    expected = ErrorCode::foreign;
  }
  SECTION("of another version") {
    Approval approval = ceremony.sealed_by({0, 1});
    approval.version = 2;
    ceremony.put(hostile, approval);
    expected = ErrorCode::foreign;
  }
  SECTION("64 signatures by one key") {
    Approval approval = ceremony.by({0});
    for (int i = 0; i < 63; ++i) {
      approval.signatures.push_back(approval.signatures.front());
      approval.signatures.back().keyid = base::sha256(std::to_string(i)).hex();
    }
    std::ranges::sort(approval.signatures, {}, &Approval::Signed::keyid);
    ceremony.put(hostile, approval);
    expected = ErrorCode::untrusted;
  }
  SECTION("a key that may not approve") {
    Approval approval = ceremony.by({0});
    approval.signatures.front().keyid = ceremony.keys.signer("targets").public_key().keyid();
    ceremony.put(hostile, approval);
    expected = ErrorCode::untrusted;
  }
  SECTION("a signature that is not over this") {
    Approval approval = ceremony.by({0});
    approval.signatures.front().sig = ceremony.keys.signer("snapshot", 0).sign("something else");
    ceremony.put(hostile, approval);
    expected = ErrorCode::untrusted;
  }
  SECTION("a seal over fewer approvals than are needed") {
    Approval approval = ceremony.sealed_by({0, 1});
    approval.signatures.pop_back();
    ceremony.put(hostile, approval);
    expected = ErrorCode::untrusted;
  }
  SECTION("a seal by others than those who seal") {
    Approval approval = ceremony.sealed_by({0, 1});
    approval.seal->timestamp = other.sealed_by({0, 1}).seal->timestamp;
    ceremony.put(hostile, approval);
    expected = ErrorCode::untrusted;
  }
  SECTION("a seal whose timestamp leaps ahead of its snapshot") {
    Approval approval = ceremony.sealed_by({0, 1});
    auto timestamp = trust::parse_timestamp(
        trust::parse_signed(approval.seal->timestamp, "timestamp.json", trust::k_timestamp_limit));
    timestamp.version += k_timestamps_per_snapshot;
    approval.seal->timestamp = trust::sign_role(trust::to_signed_part(timestamp), {&ceremony.keys.signer("timestamp")});
    ceremony.put(hostile, approval);
    expected = ErrorCode::untrusted;
  }
  SECTION("a seal over other approvals") {
    Approval approval = ceremony.sealed_by({0, 1});
    approval.signatures = ceremony.by({0, 2}).signatures;
    ceremony.put(hostile, approval);
    expected = ErrorCode::tampered;
  }
  SECTION("far too large") {
    base::write_file_atomic(hostile, to_text(ceremony.by({0})));
    fs::resize_file(hostile, k_approval_limit + 1);
    expected = ErrorCode::limit;
  }
  SECTION("cut off") {
    const std::string text = to_text(ceremony.by({0}));
    base::write_file_atomic(hostile, text.substr(0, text.size() / 2));
    expected = ErrorCode::truncated;
  }
  SECTION("a flipped bit") {
    std::string text = to_text(ceremony.by({0}));
    text.at(text.size() - 20) ^= 0x20;
    base::write_file_atomic(hostile, text);
    expected = ErrorCode::tampered;
  }
  std::vector<base::Finding> findings;
  CHECK(count_approvals(snapshot_of(ceremony.composed(&findings)).file, ceremony.root()).approved.empty());
  REQUIRE(findings.size() == 1);
  CHECK(findings.front().code == expected);
  CHECK(code_of([&] { return ceremony.verified_approvals(); }) == ErrorCode::approval_missing);
  ceremony.put(ceremony.folder.path() / "z-good", ceremony.sealed_by({1, 2}));
  CHECK(ceremony.verified_approvals() == 2);
}

TEST_CASE("a sealed head takes nothing from beside it", "[bundle][approval]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), sample_files(), keys);
  const Head head = Head::read(made.head);
  std::vector<base::Finding> findings;
  CHECK(with_approvals(head, {}, findings).contents().metadata == head.contents().metadata);
}

TEST_CASE("who approves relies on his own root", "[bundle][approval]") {
  const Ceremony ceremony;
  const Ceremony other;
  const ProvenDraft draft = prove_draft(ceremony.head, ceremony.keys.first_root(), bundle_time(1));
  CHECK(draft.approved.empty());
  CHECK(draft.missing.size() == 3);
  CHECK(draft.threshold == 2);
  CHECK(draft.descriptor.serial == 1);
  CHECK(draft.bundle_id == ceremony.made.bundle_id);
  CHECK(code_of([&] { return prove_draft(ceremony.head, other.keys.first_root(), bundle_time(1)).bundle_id; }) ==
        ErrorCode::untrusted);
  CHECK(code_of([&] { return prove_draft(ceremony.head, ceremony.keys.first_root(), bundle_time(121)).bundle_id; }) ==
        ErrorCode::expired);
}
