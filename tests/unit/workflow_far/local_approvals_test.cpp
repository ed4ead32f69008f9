#include "workflow/local_approvals.hpp"

#include "bundle/local_approval.hpp"
#include "far_fixture.hpp"
#include "trust/dsse.hpp"
#include "trust/public_key_file.hpp"
#include "workflow/import_watch.hpp"

using namespace airlock;
using namespace airlock::test;
using airlock::base::ErrorCode;

namespace {

// A site whose policy wants two of three officers.
struct GuardedSite {
  ProducerKeys keys;
  Site site{&keys};
  Medium medium;
  std::map<std::string, std::unique_ptr<trust::Signer>> officers;
  MadeBundle made = make_bundle(medium.path(), sample_files(), keys);

  explicit GuardedSite(const std::string& policy = "local_approvals: 2\n") {
    base::make_directories(site.home.config / "approvers");
    base::write_file_atomic(site.home.config / "policy.yaml", policy);
    for (const std::string name : {"anna", "bernd", "carla"}) {
      officers[name] = trust::generate_key(trust::Scheme::ed25519);
      const trust::PublicKeyFile file{.role = {}, .name = {}, .key = officers[name]->public_key()};
      base::write_file_atomic(site.home.config / "approvers" / (name + ".pub.json"), to_text(file));
    }
  }

  workflow::LocalApproveOptions options(const fs::path& output = {}) const {
    return {.home = site.home, .bundle = made.head, .folders = {}, .output = output, .reason = "seen", .ticket = "T-1"};
  }
  workflow::LocalApproveReport approve(const trust::Signer& signer, const fs::path& output = {}) {
    const auto review = workflow::review_for_site(options(output), site.clock);
    return workflow::approve_for_site(options(output), review, signer, site.clock);
  }
  ErrorCode import_code() {
    return code_of([&] { return site.import({made.head}); });
  }
  // The statement that `name` would sign, to be bent.
  bundle::LocalApproval statement(const std::string& name) {
    const fs::path file = medium.path() / ("draft-of-" + name);
    approve(*officers.at(name), file);
    const auto envelope = trust::parse_envelope(text_of(file), "envelope", bundle::k_local_approval_limit);
    fs::remove(file);
    return bundle::parse_local_approval(envelope.payload, "statement");
  }
  void put(const std::string& file, const bundle::LocalApproval& statement, std::vector<const trust::Signer*> signers,
           std::string_view type = bundle::k_local_approval_type) {
    base::write_file_atomic(medium.path() / file, trust::sign_envelope(type, to_text(statement), std::move(signers)));
  }
};

}  // namespace

TEST_CASE("a statement of an officer is read as it was written") {
  bundle::LocalApproval statement{.producer = base::sha256("p").hex(),
                                  .channel = "site-a",
                                  .serial = 3,
                                  .bundle_id = base::sha256("b").hex(),
                                  .root_version = 1,
                                  .snapshot_version = 3,
                                  .snapshot_sha256 = base::sha256("s"),
                                  .policy_sha256 = base::sha256(""),
                                  .time = bundle_time(),
                                  .tool = "airlock 0.1.0",
                                  .reason = {},
                                  .ticket = {}};
  CHECK(bundle::parse_local_approval(to_text(statement), "s") == statement);
  statement.reason = "looked at every row";
  statement.ticket = "CHG-1";
  CHECK(bundle::parse_local_approval(to_text(statement), "s") == statement);
  const auto code = [](const std::string& text) {
    return code_of([&] { return bundle::parse_local_approval(text, "s"); });
  };
  CHECK(code(to_text(statement) + "\n") == ErrorCode::tampered);
  statement.channel = "..";
  CHECK(code(to_text(statement)) == ErrorCode::tampered);
  CHECK(code("{}") == ErrorCode::tampered);
}

TEST_CASE("an import waits for the site's own officers, and the same command goes on") {
  GuardedSite guarded;
  auto& site = guarded.site;
  const auto error = error_of([&] { return site.import({guarded.made.head}); });
  CHECK(error.code() == ErrorCode::approval_missing);
  CHECK(error.message().find("0 of 2") != std::string::npos);
  CHECK(error.hint().find("airlock bundle approve") != std::string::npos);
  CHECK(site.generations().empty());
  CHECK_FALSE(site.served("file", "docs/guide.txt"));

  const auto first = guarded.approve(*guarded.officers["anna"], guarded.medium.path() / "first");
  CHECK(first.name == "anna");
  CHECK(first.approved == std::vector<std::string>{"anna"});
  CHECK(first.missing.size() == 2);
  CHECK(guarded.import_code() == ErrorCode::approval_missing);
  guarded.approve(*guarded.officers["carla"]);  // in the home, where no medium is asked

  auto options = site.options({guarded.made.head});
  std::uint64_t stored = 0;
  options.at_step = [&stored](std::string_view step) { stored += step == "blob-stored" ? 1U : 0U; };
  const auto report = workflow::import_bundles(options, site.clock, site.reporter);
  CHECK(stored == 0);  // everything was verified and kept by the runs before
  REQUIRE(report.bundles.size() == 1);
  CHECK(report.bundles.front().local_approvals.size() == 2);
  CHECK(site.served("file", "docs/guide.txt") == "read me\n");
  const auto audit = site.state().audit_entries();
  CHECK(audit.back().detail.find("\"anna\"") != std::string::npos);
  CHECK(audit.back().detail.find(guarded.officers["carla"]->public_key().keyid()) != std::string::npos);
  // What they signed stays with the home, wherever it came from.
  std::size_t kept = 0;
  for (const auto& entry : fs::directory_iterator(site.home.root / "approvals")) {
    kept += workflow::is_local_approval_file(entry.path()) ? 1U : 0U;
  }
  CHECK(kept == 2);
  // Nobody is asked again for what is here.
  fs::remove(guarded.medium.path() / "first");
  CHECK(site.import({guarded.made.head}).bundles.front().outcome == workflow::ImportedBundle::Outcome::nothing_to_do);
}

TEST_CASE("what is no approval of this bundle by an officer of this site does not count") {
  GuardedSite guarded;
  const auto& anna = *guarded.officers.at("anna");
  const auto& bernd = *guarded.officers.at("bernd");
  const auto statement = guarded.statement("anna");
  guarded.put("good", statement, {&anna});
  SECTION("the same person again, with another time") {
    auto again = statement;
    again.time += std::chrono::hours(1);
    guarded.put("again", again, {&anna});
  }
  SECTION("of another state") {
    auto other = statement;
    other.bundle_id = base::sha256("other").hex();
    guarded.put("other", other, {&bernd});
  }
  SECTION("of another producer's bundle of the same name") {
    auto other = statement;
    other.producer = base::sha256("other").hex();
    guarded.put("other", other, {&bernd});
  }
  SECTION("by a key that is no officer's") {
    guarded.put("stranger", statement, {&guarded.keys.signer("snapshot")});
  }
  SECTION("under an officer's name, by another key") {
    auto text = text_of(guarded.medium.path() / "good");
    const auto at = text.find(anna.public_key().keyid());
    REQUIRE(at != std::string::npos);
    text.replace(at, 64, bernd.public_key().keyid());
    base::write_file_atomic(guarded.medium.path() / "renamed", text);
  }
  SECTION("signed as something else") {
    guarded.put("shipment", statement, {&bernd}, bundle::k_shipment_type);
  }
  SECTION("64 signatures by one key") {
    base::Json envelope = base::Json::parse(text_of(guarded.medium.path() / "good"));
    const base::Json one = envelope["signatures"][0];
    for (int i = 0; i < 63; ++i) {
      base::Json more = one;
      more["keyid"] = base::sha256(std::to_string(i)).hex();
      envelope["signatures"].push_back(more);
    }
    base::write_file_atomic(guarded.medium.path() / "many", envelope.dump(1) + "\n");
  }
  SECTION("too large") {
    guarded.put("large", statement, {&bernd});
    fs::resize_file(guarded.medium.path() / "large", bundle::k_local_approval_limit + 1);
  }
  SECTION("cut off") {
    guarded.put("cut", statement, {&bernd});
    cut(guarded.medium.path() / "cut", 300);
  }
  SECTION("a flipped bit") {
    guarded.put("flipped", statement, {&bernd});
    flip_bit(guarded.medium.path() / "flipped", 40);
  }
  CHECK(guarded.import_code() == ErrorCode::approval_missing);
  CHECK(guarded.site.generations().empty());
  guarded.put("really", statement, {&bernd});
  CHECK(guarded.site.import({guarded.made.head}).bundles.front().local_approvals ==
        std::vector<std::string>{"anna", "bernd"});
}

TEST_CASE("a watched folder waits for officers and takes the bundle when they have approved") {
  GuardedSite guarded;
  workflow::FolderWatch watch(guarded.medium.path(), guarded.site.options({}));
  const auto look = [&] { return watch.look(guarded.site.clock, guarded.site.reporter); };
  CHECK(look() == 0);
  CHECK(look() == 0);
  const auto statement = guarded.statement("anna");
  guarded.put("anna", statement, {guarded.officers.at("anna").get()});
  CHECK(look() == 0);
  guarded.put("carla", statement, {guarded.officers.at("carla").get()});
  CHECK(look() == 0);  // may still be growing
  CHECK(look() == 1);
  CHECK(guarded.site.generations().size() == 1);
  CHECK(look() == 0);
}

TEST_CASE("only officers approve, and only what an import would take") {
  GuardedSite guarded;
  const auto stranger = trust::generate_key(trust::Scheme::ed25519);
  CHECK(code_of([&] { return guarded.approve(*stranger).keyid; }) == ErrorCode::untrusted);
  const auto output = guarded.medium.path() / "mine";
  guarded.approve(*guarded.officers["anna"], output);
  CHECK(code_of([&] { return guarded.approve(*guarded.officers["anna"], output).keyid; }) == ErrorCode::conflict);

  const ProducerKeys others;
  Medium elsewhere;
  auto options = guarded.options();
  options.bundle = make_bundle(elsewhere.path(), sample_files(), others).head;
  CHECK(code_of([&] { return workflow::review_for_site(options, guarded.site.clock).text; }) == ErrorCode::untrusted);
  options.bundle = make_bundle(elsewhere.path(), sample_files(), guarded.keys, {.serial = 2, .sealed = false}).head;
  CHECK(code_of([&] { return workflow::review_for_site(options, guarded.site.clock).text; }) ==
        ErrorCode::approval_missing);
}

TEST_CASE("a policy that nobody can meet is a mistake of its own") {
  GuardedSite guarded("local_approvals: 4\n");
  CHECK(guarded.import_code() == ErrorCode::config);
  base::write_file_atomic(guarded.site.home.config / "policy.yaml", "local_approvals: 1\n");
  base::write_file_atomic(guarded.site.home.config / "approvers" / "dora.pub.json", "no key\n");
  CHECK(guarded.import_code() == ErrorCode::config);
}

TEST_CASE("that something expired is taken in wants a second person, where the policy says so") {
  GuardedSite guarded("expired_approvals: 1\n");
  auto& site = guarded.site;
  const auto& anna = *guarded.officers.at("anna");
  auto options = site.options({guarded.made.head});
  options.expiry = trust::Expiry::accept;
  options.reason = "the courier was late";
  const auto take = [&] { return workflow::import_bundles(options, site.clock, site.reporter); };
  auto expired = guarded.options();
  expired.accept_expired = true;
  const auto approve = [&] {
    const auto review = workflow::review_for_site(expired, site.clock);
    return workflow::approve_for_site(expired, review, anna, site.clock);
  };
  SECTION("after it expired") {
    // Before, her word is about the content alone.
    guarded.approve(anna);
    CHECK(code_of(approve) == ErrorCode::usage);
    site.clock.set(bundle_time(100));  // timestamp: 90 days
    CHECK(code_of([&] { return site.import({guarded.made.head}); }) == ErrorCode::expired);
    const auto error = error_of(take);
    CHECK(error.code() == ErrorCode::approval_missing);
    CHECK(error.hint().find("--accept-expired") != std::string::npos);
    CHECK(site.generations().empty());
    // An officer who does not say so is told what an import would say.
    CHECK(code_of([&] { return guarded.approve(anna, guarded.medium.path() / "x"); }) == ErrorCode::expired);
    CHECK(approve().needed == 1);
    const auto report = take();
    REQUIRE(report.bundles.size() == 1);
    CHECK(report.bundles.front().local_approvals == std::vector<std::string>{"anna"});
    CHECK(site.state().audit_entries().back().detail.find("\"anna\"") != std::string::npos);
  }
  SECTION("a state that is here already too") {
    site.import({guarded.made.head});
    site.clock.set(bundle_time(100));
    CHECK(take().bundles.front().outcome == workflow::ImportedBundle::Outcome::nothing_to_do);
    options.withhold = {base::sha256("read me\n")};  // something to do
    CHECK(code_of(take) == ErrorCode::approval_missing);
  }
  SECTION("and nobody is asked where nothing has expired") {
    CHECK(take().bundles.size() == 1);
  }
  SECTION("nor can anybody agree to more than that") {
    site.clock.set(bundle_time(370));  // targets: 365 days
    CHECK(code_of(approve) == ErrorCode::expired);
    CHECK(code_of(take) == ErrorCode::expired);
  }
}
