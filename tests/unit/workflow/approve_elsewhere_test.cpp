// Approvals that travel: signed where only the head is, by another program, and beside a medium that is closed.
#include "base/process.hpp"
#include "support/catch.hpp"
#include "trust/root_authoring.hpp"
#include "unit/workflow/two_people.hpp"
#include "workflow/approved_head.hpp"
#include "workflow/base_state.hpp"
#include "workflow/ship.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using test::content_for;
using test::FaultServer;
using test::TwoPeople;
using test::url_entry;
using Form = ApprovalOutput::Form;

TEST_CASE("an approval travels as a small file, signed where only the head is", "[workflow][approve]") {
  TwoPeople people;
  const CreateReport made = people.create();
  const fs::path head = people.folder.path() / "site-a-1.head";
  const std::uint64_t head_bytes = write_head_alone(made.bundle, head);
  CHECK(head_bytes == fs::file_size(head));
  CHECK(test::code_of([&] { return write_head_alone(made.bundle, head); }) == ErrorCode::conflict);
  const fs::path file = people.folder.path() / "second.sig.json";

  SECTION("detached") {
    // On a host that never saw this home: it trusts what it pinned, and leaves the head alone.
    const Home elsewhere{.root = people.folder.path() / "b", .config = people.folder.path() / "b"};
    const std::string before = test::read_whole(head);
    Draft draft = people.open(head);
    const auto report = sign_draft(elsewhere, draft, {people.second.get()}, {.form = Form::this_alone, .file = file},
                                   people.clock, people.reporter);
    CHECK(report.written == file);
    CHECK(report.approvals == 2);
    CHECK(test::read_whole(head) == before);
    CHECK(bundle::read_approval(file).signatures.size() == 1);
    CHECK(people.seal({.bundle = made.bundle, .approvals = {file}}).sealed);
  }
  SECTION("in the copy of the head") {
    CHECK(people.sign(head, *people.second).written == head);
    CHECK(people.seal({.bundle = made.bundle, .approvals = {head}}).sealed);
  }
  SECTION("made by another program over the very bytes") {
    Draft draft = people.open(head);
    const std::string raw = people.second->sign(tbs_of(draft));
    CHECK(base::sha256(tbs_of(draft)).hex() == draft.proof.bundle_id);
    const auto add = [&](std::string_view signature, std::string_view keyid) {
      Draft fresh = people.open(head);
      return add_raw_signature(people.home, fresh, signature, keyid, {.form = Form::this_alone, .file = file},
                               people.clock, people.reporter);
    };
    const std::string keyid = people.second->public_key().keyid();
    CHECK(test::code_of([&] { return add(raw, people.first().public_key().keyid()).added; }) == ErrorCode::untrusted);
    CHECK(test::code_of([&] { return add(raw, keyid.substr(0, 7)).added; }) == ErrorCode::usage);
    CHECK(test::code_of([&] { return add(raw + "x", "").added; }) == ErrorCode::untrusted);
    CHECK(test::code_of([&] { return add("", "").added; }) == ErrorCode::untrusted);
    const std::size_t digits = GENERATE(std::size_t{0}, std::size_t{8}, std::size_t{64});
    CHECK(add(raw, keyid.substr(0, digits)).added == 1);
    CHECK(people.seal({.bundle = made.bundle, .approvals = {file}}).sealed);
  }
  CHECK(verify_own_head(bundle::Head::read(made.bundle), people.home).approvals() == 2);
}

// A home whose second approver has a key of `scheme`.
void make_home(const Home& home, const base::Clock& clock, const trust::Signer& second) {
  base::make_directories(home.keys(), 0700);
  trust::RootPlan plan;
  plan.created = clock.now();
  std::map<std::string, std::unique_ptr<trust::Signer>> signers;
  for (const std::string role : {"root", "snapshot", "targets", "timestamp"}) {
    signers[role] = trust::generate_key(trust::Scheme::ed25519);
    plan.roles[role].keys = {signers[role]->public_key()};
    trust::save_private_key(*signers[role], home.keys() / (role + ".pem"), std::nullopt);
  }
  plan.roles["snapshot"].keys.push_back(second.public_key());
  plan.roles["snapshot"].threshold = 2;
  base::write_file_atomic(home.keys() / "1.root.json",
                          trust::sign_role(to_signed_part(trust::make_first_root(plan)), {signers["root"].get()}));
}

TEST_CASE("an approver has openssl and nothing else", "[workflow][approve]") {
  const auto scheme = GENERATE(trust::Scheme::ed25519, trust::Scheme::ecdsa_p256, trust::Scheme::rsa_pss_sha256);
  base::TempDir folder;
  const Home home{.root = folder.path() / "home", .config = folder.path() / "home"};
  const base::FixedClock clock{base::parse_rfc3339("2026-07-01T12:00:00Z")};
  test::RecordingReporter reporter;
  const auto second = trust::generate_key(scheme);
  const fs::path key = folder.path() / "second.pem";
  trust::save_private_key(*second, key, std::nullopt);
  make_home(home, clock, *second);
  FaultServer server;
  server.script("/f", {{.body = content_for(1, 500)}});
  base::write_file_atomic(folder.path() / "site.yaml", "name: site-a\nfiles:\n" + url_entry(server, "/f"));
  const KeyRing ring(home, std::nullopt);
  CreateOptions options;
  options.manifests = {folder.path() / "site.yaml"};
  options.output = (folder.path() / "out").string() + "/";
  options.readback = Readback::never;
  const CreateReport made = create_bundle(home, options, &ring, clock, reporter);
  REQUIRE(made.approvals == 1);

  Draft draft = open_draft(made.bundle, {}, ring.roots().back(), clock.now());
  const std::string tbs = folder.path() / "tbs";
  base::write_file_atomic(tbs, tbs_of(draft));
  // As docs/operations/approvals.md and `bundle sign --tbs` tell it.
  base::ProcessOptions openssl;
  if (scheme == trust::Scheme::ed25519) {
    openssl.argv = {"openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", tbs, "-out", tbs + ".sig"};
  } else if (scheme == trust::Scheme::ecdsa_p256) {
    openssl.argv = {"openssl", "dgst", "-sha256", "-sign", key, "-out", tbs + ".sig", tbs};
  } else {
    openssl.argv = {"openssl",
                    "dgst",
                    "-sha256",
                    "-sigopt",
                    "rsa_padding_mode:pss",
                    "-sigopt",
                    "rsa_pss_saltlen:digest",
                    "-sign",
                    key,
                    "-out",
                    tbs + ".sig",
                    tbs};
  }
  REQUIRE(base::run_process(openssl).exit_code == 0);
  CHECK(add_raw_signature(home, draft, test::read_whole(tbs + ".sig"), "", {}, clock, reporter).approvals == 2);
  CHECK(seal_bundle(home, {.bundle = made.bundle}, ring, clock, reporter).sealed);
  CHECK(verify_own_head(bundle::Head::read(made.bundle), home).approvals() == 2);
}

TEST_CASE("a medium that is closed gets its approvals beside it", "[workflow][approve]") {
  TwoPeople people;
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(128 * 1024));
  const CreateReport made = people.create(volume_size);
  const std::string before = test::read_whole(made.bundle);
  const fs::path file = people.folder.path() / "carried.approval";
  const ApprovalOutput output{.form = Form::with_all, .file = file};
  CHECK(people.sign(made.bundle, *people.second, output).written == file);
  CHECK(bundle::read_approval(file).signatures.size() == 2);
  CHECK_FALSE(bundle::read_approval(file).seal);
  const auto report = people.seal({.bundle = made.bundle, .output = file});
  CHECK(report.sealed);
  CHECK(report.written == file);
  CHECK(test::read_whole(made.bundle) == before);
  CHECK(test::code_of([&] { return verify_own_head(bundle::Head::read(made.bundle), people.home).approvals(); }) ==
        ErrorCode::approval_missing);
  const auto opened = read_approved_head(made.bundle, {.heads = {}, .folders = {}, .approvals = {file}});
  CHECK(opened.findings.empty());
  const auto verified = verify_own_head(opened.head, people.home);
  CHECK(verified.approvals() == 2);
  CHECK(verified.shipment().volumes.size() == made.volumes.size());
  // It is not written over by what belongs to another bundle, nor sealed twice.
  CHECK(test::code_of([&] { return people.seal({.bundle = made.bundle, .output = file}).sealed; }) ==
        ErrorCode::conflict);
  const CreateReport next = people.create(volume_size);
  CHECK(test::code_of([&] { return people.sign(next.bundle, *people.second, output).added; }) == ErrorCode::conflict);
  CHECK(bundle::read_approval(file).seal);
}

TEST_CASE("a closed medium is sent again and is a base by the seal in another folder", "[workflow][approve]") {
  TwoPeople people;
  const CreateReport made = people.create();
  const fs::path folder = people.folder.path() / "w";
  fs::create_directories(folder);
  const fs::path file = folder / "carried.approval";
  people.sign(made.bundle, *people.second, {.form = Form::with_all, .file = file});
  REQUIRE(people.seal({.bundle = made.bundle, .output = file}).sealed);

  ShipOptions options;
  options.bundle = made.bundle;
  options.output = (people.folder.path() / "again").string() + "/";
  options.readback = Readback::never;
  const auto ship = [&] { return ship_bundle(people.home, options, *people.ring, people.clock, people.reporter); };
  CHECK(test::code_of([&] { return ship().serial; }) == ErrorCode::approval_missing);
  options.volumes = {folder};
  const ShipReport sent = ship();
  CHECK(sent.approvals == 2);
  CHECK(sent.blobs_included == sent.blobs);
  options.bases = {made.bundle};
  CHECK(ship().kind == bundle::Shipment::Kind::metadata);

  CHECK(test::code_of([&] { return read_base(made.bundle, people.home, "site-a").holds; }) ==
        ErrorCode::approval_missing);
  CreateOptions next;
  next.manifests = {people.folder.path() / "site.yaml"};
  next.output = (people.folder.path() / "out").string() + "/";
  next.readback = Readback::never;
  next.bases = {made.bundle};
  next.volumes = {folder};
  CHECK(create_bundle(people.home, next, people.ring.get(), people.clock, people.reporter).delta);
}

TEST_CASE("a seal that was spoilt does not hide the good one beside it", "[workflow][approve]") {
  TwoPeople people;
  const CreateReport made = people.create();
  const fs::path file = made.bundle.parent_path() / "carried.approval";
  people.sign(made.bundle, *people.second, {.form = Form::with_all, .file = file});
  REQUIRE(people.seal({.bundle = made.bundle, .output = file}).sealed);
  auto spoilt = bundle::read_approval(file);
  REQUIRE(spoilt.seal);
  auto& shipment = spoilt.seal->shipment;
  const auto at = shipment.find("\"payload\"") + 20;
  shipment[at] = shipment[at] == 'A' ? 'B' : 'A';
  base::write_file_atomic(made.bundle.parent_path() / "a.approval", to_text(spoilt));
  const auto opened = read_approved_head(made.bundle);
  CHECK(verify_own_head(opened.head, people.home).approvals() == 2);
  CHECK(opened.findings.size() == 1);
}

}  // namespace
}  // namespace airlock::workflow
