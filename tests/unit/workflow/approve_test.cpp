// Bundles that several people approve, and what each of them is told first.
#include "workflow/approve.hpp"

#include <algorithm>

#include "support/catch.hpp"
#include "support/head_file.hpp"
#include "trust/public_key_file.hpp"
#include "unit/workflow/two_people.hpp"
#include "workflow/revoke.hpp"
#include "workflow/ship.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using test::content_for;
using test::TwoPeople;
using test::url_entry;
using Form = ApprovalOutput::Form;

TEST_CASE("a bundle that two must approve is a draft until both have", "[workflow][approve]") {
  TwoPeople people;
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(128 * 1024));
  const CreateReport draft = people.create(volume_size);
  CHECK_FALSE(draft.sealed);
  CHECK(draft.approvals == 1);
  CHECK(draft.threshold == 2);
  CHECK(test::code_of([&] { return people.seal({.bundle = draft.bundle}).serial; }) == ErrorCode::approval_missing);
  CHECK(people.sign(draft.bundle, people.first()).added == 0);

  const ApproveReport report = people.sign(draft.bundle, *people.second);
  CHECK(report.added == 1);
  CHECK(report.approvals == 2);
  CHECK(report.written == draft.bundle);
  CHECK(people.seal({.bundle = draft.bundle}).sealed);

  const bundle::Head head = bundle::Head::read(draft.bundle);
  const auto verified = verify_own_head(head, people.home);
  CHECK(verified.approvals() == 2);
  CHECK(verified.shipment().volumes.size() == draft.volumes.size());
  CHECK(verified.shipment().kind == bundle::Shipment::Kind::full);
  const std::string sums = base::read_file(people.folder.path() / "out" / "site-a-1.sha256", 1u << 20);
  CHECK(sums.find(base::sha256(test::read_whole(draft.bundle)).hex()) != std::string::npos);
  CHECK(sums.find(base::sha256(test::read_whole(people.folder.path() / "out" / "site-a-1.html")).hex()) !=
        std::string::npos);
  CHECK(test::code_of([&] { return people.sign(draft.bundle, people.first()).added; }) == ErrorCode::conflict);
  // The next state builds on the sealed one.
  CHECK(people.create(volume_size).serial == 2);
}

TEST_CASE("two approvers' keys in one home are one person's word, and create says so", "[workflow][approve]") {
  TwoPeople people;
  const auto said = [&] {
    const auto warnings = people.reporter.warnings();
    return std::ranges::find(warnings, k_one_home_approves) != warnings.end();
  };
  CHECK_FALSE(people.create().one_home_approves);
  CHECK_FALSE(said());
  fs::rename(people.folder.path() / "second.pem", people.home.keys() / "snapshot-2.pem");
  people.ring = std::make_unique<KeyRing>(people.home, std::nullopt);
  const CreateReport both = people.create();
  CHECK(both.approvals == 2);
  CHECK(both.one_home_approves);
  CHECK(said());
}

TEST_CASE("a head that was half written when the power failed is made whole by the next run", "[workflow][approve]") {
  TwoPeople people;
  const fs::path bundle = people.create().bundle;
  const std::string draft = test::read_whole(bundle);
  people.sign(bundle, *people.second);
  const std::string approved = test::read_whole(bundle);
  const std::uint64_t room = bundle::Head::read(bundle).size();
  const fs::path journal = fs::path(bundle).concat(".new-head");
  CHECK_FALSE(fs::exists(journal));

  const auto half_written = [&] {
    const std::string half = approved.substr(0, 4096) + draft.substr(4096);
    REQUIRE(half != approved);
    base::write_file_atomic(bundle, half);
    base::write_file_atomic(journal, std::string_view(approved).substr(0, room));
  };
  SECTION("named by its file") {
    half_written();
    CHECK(people.open(bundle).count().approved.size() == 2);
    CHECK_FALSE(fs::exists(journal));
  }
  SECTION("named by its folder") {
    half_written();
    CHECK(people.open(bundle.parent_path()).count().approved.size() == 2);
    CHECK_FALSE(fs::exists(journal));
  }
  SECTION("a file of that name that is no head of this sending changes nothing, and is kept") {
    base::write_file_atomic(journal, "not a head at all");
    CHECK(people.open(bundle).count().approved.size() == 2);
    CHECK(test::read_whole(journal) == "not a head at all");
  }
  SECTION("nor does a link") {
    base::write_file_atomic(people.folder.path() / "elsewhere", draft.substr(0, room));
    fs::create_symlink(people.folder.path() / "elsewhere", journal);
    CHECK(people.open(bundle).count().approved.size() == 2);
    CHECK(fs::is_symlink(journal));
  }
  CHECK(test::read_whole(bundle) == approved);
}

TEST_CASE("the journal of a draft is not written over a sealed copy of it", "[workflow][approve]") {
  TwoPeople people;
  const fs::path bundle = people.create().bundle;
  people.sign(bundle, *people.second);
  const std::string approved = test::read_whole(bundle);
  const std::uint64_t room = bundle::Head::read(bundle).size();
  REQUIRE(people.seal({.bundle = bundle}).sealed);
  const std::string sealed = test::read_whole(bundle);
  const fs::path journal = fs::path(bundle).concat(".new-head");
  const auto open = [&] { return people.open(bundle).count().approved.size(); };

  base::write_file_atomic(journal, std::string_view(approved).substr(0, room));
  CHECK(test::code_of(open) == ErrorCode::conflict);  // sealed already
  CHECK(test::read_whole(bundle) == sealed);

  // A seal that was cut short is brought to its end.
  base::write_file_atomic(bundle, sealed.substr(0, 4096) + approved.substr(4096));
  base::write_file_atomic(journal, std::string_view(sealed).substr(0, room));
  CHECK(test::code_of(open) == ErrorCode::conflict);
  CHECK(test::read_whole(bundle) == sealed);
}

TEST_CASE("seal takes what it is given in any order, and says who is missing", "[workflow][approve]") {
  TwoPeople people;
  const CreateReport made = people.create();
  const auto detached = [&](const trust::Signer& signer, const std::string& name) {
    const fs::path file = people.folder.path() / name;
    people.sign(made.bundle, signer, {.form = Form::this_alone, .file = file});
    return file;
  };
  const fs::path own = detached(people.first(), "own");
  const fs::path second = detached(*people.second, "second");

  SECTION("the same person twice is one") {
    const auto error = test::error_of([&] {
      return people.seal({.bundle = made.bundle, .approvals = {own, own}}).added;
    });
    CHECK(error.code() == ErrorCode::approval_missing);
    CHECK(error.message().find("1 of 2") != std::string::npos);
    CHECK(error.message().find(people.second->public_key().keyid().substr(0, 12)) != std::string::npos);
  }
  SECTION("of another bundle") {
    const CreateReport next = people.create();
    const std::string before = test::read_whole(next.bundle);
    CHECK(test::code_of([&] { return people.seal({.bundle = next.bundle, .approvals = {second}}).added; }) ==
          ErrorCode::foreign);
    CHECK(test::read_whole(next.bundle) == before);
  }
  SECTION("by a key that may not") {
    auto approval = bundle::read_approval(second);
    approval.signatures.front().keyid = std::string(64, 'a');
    base::write_file_atomic(second, to_text(approval));
    CHECK(test::code_of([&] {
            return people.seal({.bundle = made.bundle, .approvals = {own, second}}).added;
          }) == ErrorCode::untrusted);
  }
  SECTION("something else") {
    base::write_file_atomic(second, "hello");
    CHECK(test::code_of([&] { return people.seal({.bundle = made.bundle, .approvals = {second}}).added; }) ==
          ErrorCode::malformed);
  }
  const ApproveReport report =
      people.seal({.bundle = made.bundle, .approvals = {own, detached(*people.second, "again")}});
  CHECK(report.sealed);
  CHECK(report.approvals == 2);
  CHECK(report.missing.empty());
  CHECK(report.notes.size() == 1);  // `own` brought nothing new
}

TEST_CASE("nobody approves what was changed after the build", "[workflow][approve]") {
  TwoPeople people;
  const CreateReport draft = people.create();
  const auto sign = [&] { return people.sign(draft.bundle, *people.second).added; };
  SECTION("a role") {
    bundle::Head head = bundle::Head::read(draft.bundle);
    auto contents = head.contents();
    contents.metadata.at("1.file.json").back() = ' ';
    test::write_head(draft.bundle, contents);
    CHECK(test::code_of(sign) == ErrorCode::tampered);
  }
  SECTION("a catalog") {
    auto contents = bundle::Head::read(draft.bundle).contents();
    contents.targets.at("file/catalog/00.jsonl") += "{}\n";
    test::write_head(draft.bundle, contents);
    CHECK(test::code_of(sign) == ErrorCode::tampered);
  }
  SECTION("the name in front") {
    auto contents = bundle::Head::read(draft.bundle).contents();
    contents.hint.serial = 7;
    test::write_head(draft.bundle, contents);
    CHECK(test::code_of(sign) == ErrorCode::tampered);
  }
  SECTION("the number of the sending, which the seal would sign") {
    people.sign(draft.bundle, *people.second);
    auto contents = bundle::Head::read(draft.bundle).contents();
    contents.hint.shipment = bundle::k_number_limit;
    test::write_head(draft.bundle, contents);
    CHECK(test::code_of(sign) == ErrorCode::tampered);
    CHECK(test::code_of([&] { return people.seal({.bundle = draft.bundle}).sealed; }) == ErrorCode::tampered);
  }
  SECTION("with a key that is no approver's") {
    const auto stranger = trust::generate_key(trust::Scheme::ed25519);
    CHECK(test::code_of([&] { return people.sign(draft.bundle, *stranger).added; }) == ErrorCode::untrusted);
  }
}

TEST_CASE("an approver's root is his own, never the bundle's", "[workflow][approve]") {
  TwoPeople people;
  const CreateReport made = people.create();
  const bundle::Head head = bundle::Head::read(made.bundle);
  const Home empty{.root = people.folder.path() / "b", .config = people.folder.path() / "b"};
  CHECK_FALSE(find_approvers_root(head, empty, {}));
  CHECK(find_approvers_root(head, people.home, {})->bytes == people.ring->roots().back());
  const std::string fingerprint = show_keys(people.home).fingerprint;
  CHECK(find_approvers_root(head, empty, {.file = {}, .fingerprint = fingerprint})->bytes ==
        people.ring->roots().back());
  CHECK(test::code_of([&] {
          return find_approvers_root(head, empty, {.file = {}, .fingerprint = std::string(64, 'a')})->bytes;
        }) == ErrorCode::untrusted);
  // A root of another producer finds nothing that it could vouch for.
  TwoPeople others;
  CHECK(test::code_of([&] { return find_approvers_root(head, others.home, {})->bytes; }) == ErrorCode::untrusted);
  CHECK(test::code_of([&] {
          return open_draft(made.bundle, {}, others.ring->roots().back(), people.clock.now()).proof.bundle_id;
        }) == ErrorCode::untrusted);
}

TEST_CASE("what is to be approved is said from the bytes that are signed", "[workflow][approve]") {
  TwoPeople people;
  const CreateReport first = people.create();
  people.sign(first.bundle, *people.second);
  people.seal({.bundle = first.bundle});
  people.server.script("/g", {{.body = content_for(2, 10)}});
  base::write_file_atomic(people.folder.path() / "site.yaml",
                          "name: site-a\nfiles:\n" + url_entry(people.server, "/g"));
  const CreateReport second = people.create();
  const Draft draft = people.open(second.bundle);
  base::make_directories(people.home.config / "people");
  base::write_file_atomic(people.home.config / "people" / "bernd.pub.json",
                          to_text(trust::PublicKeyFile{.role = {}, .name = {}, .key = people.second->public_key()}));
  const std::string text =
      review_text(draft, bundle::Head::read(first.bundle), "the root of this test", people.home, people.clock.now());
  CAPTURE(text);
  CHECK(text.find("a draft: 1 of 2 people have approved it") != std::string::npos);
  CHECK(text.find("against site-a 1, the state before this one: 1 added, 1 removed") != std::string::npos);
  CHECK(text.find("unproven artifacts (1)") != std::string::npos);
  CHECK(text.find("other artifacts") == std::string::npos);  // the comparison names what is new
  CHECK(text.find("not yet      enough people approved it: 1 of 2 have signed\n") != std::string::npos);
  CHECK(text.find("ok           the root is the one that is trusted here: the root of this test\n") !=
        std::string::npos);
  CHECK(text.find("FAILED") == std::string::npos);
  CHECK(text.find("not yet      bernd, key " + people.second->public_key().keyid().substr(0, 12)) != std::string::npos);
  CHECK(text.find("airlock bundle sign") != std::string::npos);
}

// What was sealed is what the sites have: drafts that nobody approved must not stand in the way of taking it back.
TEST_CASE("a revocation goes on from what was sealed, over any drafts", "[workflow][approve][revoke]") {
  TwoPeople people;
  const CreateReport first = people.create();
  people.sign(first.bundle, *people.second);
  CHECK(people.seal({.bundle = first.bundle}).sealed);
  for (unsigned draft = 2; draft < 5; ++draft) {
    people.server.script("/f", {{.body = content_for(draft, 50'000)}});
    base::write_file_atomic(people.folder.path() / "site.yaml",
                            "name: site-a\nfiles:\n" + url_entry(people.server, "/f", content_for(draft, 50'000)));
    CHECK_FALSE(people.create().sealed);
  }
  RevokeOptions options;
  options.items = {base::sha256(content_for(1, 50'000)).to_string()};
  options.reason = "malicious";
  options.output = (people.folder.path() / "out").string() + "/";
  const RevokeReport report = revoke(people.home, options, *people.ring, people.clock, people.reporter);
  CHECK(report.serial == 5);
  CHECK(report.files == 1);  // of serial 1, and not of the drafts
  // It is a draft itself, so that what is sealed can be sent; whoever does so is told.
  ShipOptions again;
  again.bundle = first.bundle;
  again.output = (people.folder.path() / "again").string() + "/";
  again.readback = Readback::never;
  CHECK(ship_bundle(people.home, again, *people.ring, people.clock, people.reporter).serial == 1);
  const auto warnings = people.reporter.warnings();
  CHECK(std::ranges::any_of(
      warnings, [](const std::string& text) { return text.find("that one is a draft") != std::string::npos; }));
}

}  // namespace
}  // namespace airlock::workflow
