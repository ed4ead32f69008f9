#include "bundle/authoring.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "bundle/state_rows.hpp"
#include "support/bundle_maker.hpp"
#include "support/errors.hpp"
#include "trust/dsse.hpp"

using namespace airlock;
using namespace airlock::bundle;
using namespace airlock::test;
using airlock::base::ErrorCode;

namespace {

StateInput input_of(const std::vector<BundleFile>& files, std::uint64_t serial, base::Time created) {
  return {.lock = make_lock(files, "site-a"),
          .serial = serial,
          .created = created,
          .attachments = {},
          .revoked = {},
          .previous = {}};
}

trust::Targets targets_in(const HeadContents& head, const std::string& name) {
  return trust::parse_targets(trust::parse_signed(head.metadata.at(name), name, trust::k_targets_limit));
}

trust::Snapshot snapshot_in(const HeadContents& head, const std::string& name) {
  return trust::parse_snapshot(trust::parse_signed(head.metadata.at(name), name, trust::k_snapshot_limit));
}

trust::Timestamp timestamp_in(const HeadContents& head) {
  return trust::parse_timestamp(
      trust::parse_signed(head.metadata.at("timestamp.json"), "timestamp", trust::k_timestamp_limit));
}

}  // namespace

TEST_CASE("the first state has version 1 of every role", "[bundle][authoring]") {
  const ProducerKeys keys;
  const AuthoredState state = author_state(input_of(sample_files(), 1, bundle_time()), keys.signing_set());
  CHECK(state.approved);
  CHECK(state.bundle_id.size() == 64);
  for (const std::string name :
       {"1.root.json", "1.snapshot.json", "1.targets.json", "1.oci.json", "1.tool.json", "1.file.json", "1.npm.json"}) {
    CHECK(state.head.metadata.contains(name));
  }
  CHECK_FALSE(state.head.metadata.contains("timestamp.json"));
  CHECK(state.head.shipment.empty());
  const trust::Targets targets = targets_in(state.head, "1.targets.json");
  CHECK(targets.channel == "site-a");
  REQUIRE(targets.roles.size() == 4);
  CHECK(targets.roles[0].terminating);
  CHECK(targets.roles[0].paths == std::vector<std::string>{"file/*", "file/*/*", "file/*/*/*"});
  CHECK(targets.targets.contains("descriptor.json"));
  CHECK(targets.targets.contains("SHA256SUMS"));
  CHECK(targets.targets.contains("attachments.json"));
  CHECK_FALSE(targets.targets.contains("revoked.jsonl"));
}

TEST_CASE("the descriptor counts what is there", "[bundle][authoring]") {
  const ProducerKeys keys;
  const AuthoredState state = author_state(input_of(sample_files(), 1, bundle_time()), keys.signing_set());
  const Descriptor descriptor = parse_descriptor(state.head.targets.at("descriptor.json"), "d");
  CHECK(descriptor.rows == std::map<std::string, std::uint64_t>{{"file", 1}, {"npm", 1}, {"oci", 3}, {"tool", 2}});
  CHECK(descriptor.artifacts == 4);
  CHECK(descriptor.blobs == 5);
  CHECK(descriptor.bytes == 31 + 1012 + 5000 + 6001 + 8);
  CHECK(descriptor.waivers.size() == 1);
  CHECK_FALSE(descriptor.previous);
}

TEST_CASE("an unchanged ecosystem keeps its signed file", "[bundle][authoring]") {
  const ProducerKeys keys;
  const AuthoredState first = author_state(input_of(sample_files(), 1, bundle_time()), keys.signing_set());
  auto files = sample_files();
  files.push_back(text_file("more.txt", "more"));
  StateInput input = input_of(files, 2, bundle_time(30));
  input.previous = first.head;
  const AuthoredState second = author_state(input, keys.signing_set());
  CHECK(second.head.metadata.at("1.oci.json") == first.head.metadata.at("1.oci.json"));
  CHECK(second.head.metadata.contains("2.file.json"));
  CHECK_FALSE(second.head.metadata.contains("1.file.json"));
  CHECK(second.head.metadata.contains("2.targets.json"));
  CHECK(snapshot_in(second.head, "2.snapshot.json").meta.at("oci.json").version == 1);
  CHECK(parse_descriptor(second.head.targets.at("descriptor.json"), "d").previous == first.bundle_id);
}

TEST_CASE("a delegated role is signed anew when half of its time is over", "[bundle][authoring]") {
  const ProducerKeys keys;
  const AuthoredState first = author_state(input_of(sample_files(), 1, bundle_time()), keys.signing_set());
  StateInput input = input_of(sample_files(), 2, bundle_time(182));
  input.previous = first.head;
  CHECK(author_state(input, keys.signing_set()).head.metadata.contains("1.oci.json"));
  input.created = bundle_time(184);
  CHECK(author_state(input, keys.signing_set()).head.metadata.contains("2.oci.json"));
}

TEST_CASE("a delegated role is signed anew when its keys have changed", "[bundle][authoring]") {
  ProducerKeys keys;
  const AuthoredState first = author_state(input_of(sample_files(), 1, bundle_time()), keys.signing_set());
  keys.rotate("targets");
  StateInput input = input_of(sample_files(), 2, bundle_time(1));
  input.previous = first.head;
  const AuthoredState second = author_state(input, keys.signing_set());
  CHECK(second.head.metadata.contains("2.oci.json"));
  CHECK(second.head.metadata.contains("2.root.json"));
}

TEST_CASE("an ecosystem that went keeps an empty role, and comes back", "[bundle][authoring]") {
  const ProducerKeys keys;
  const AuthoredState first = author_state(input_of(sample_files(), 1, bundle_time()), keys.signing_set());
  StateInput input = input_of({text_file("a", "a")}, 2, bundle_time(1));
  input.previous = first.head;
  const AuthoredState second = author_state(input, keys.signing_set());
  CHECK(targets_in(second.head, "2.oci.json").targets.empty());
  CHECK_FALSE(parse_descriptor(second.head.targets.at("descriptor.json"), "d").rows.contains("oci"));
  input = input_of(sample_files(), 3, bundle_time(2));
  input.previous = second.head;
  CHECK(author_state(input, keys.signing_set()).head.metadata.contains("3.oci.json"));
}

TEST_CASE("the same input gives the same bytes", "[bundle][authoring]") {
  const ProducerKeys keys;
  const StateInput input = input_of(sample_files(), 1, bundle_time());
  AuthoredState a = author_state(input, keys.signing_set());
  AuthoredState b = author_state(input, keys.signing_set());
  seal(a.head, {}, bundle_time(), keys.signing_set());
  seal(b.head, {}, bundle_time(), keys.signing_set());
  CHECK(build_head(a.head, std::nullopt, HeadEnd::alone) == build_head(b.head, std::nullopt, HeadEnd::alone));
}

TEST_CASE("what too few people approved is a draft and cannot be sealed", "[bundle][authoring]") {
  const ProducerKeys keys(3, 2);
  const StateInput input = input_of(sample_files(), 1, bundle_time());
  AuthoredState state = author_state(input, keys.signing_set_of_approvers(1));
  CHECK_FALSE(state.approved);
  CHECK(code_of([&] {
          seal(state.head, {}, bundle_time(), keys.signing_set());
          return 0;
        }) == ErrorCode::approval_missing);
  auto& snapshot = state.head.metadata.at("1.snapshot.json");
  snapshot = trust::add_signature(trust::parse_signed(snapshot, "snapshot", trust::k_snapshot_limit),
                                  keys.signer("snapshot", 2));
  seal(state.head, {}, bundle_time(), keys.signing_set());
  CHECK_FALSE(state.head.shipment.empty());
  CHECK(author_state(input, keys.signing_set()).approved);
  CHECK(author_state(input, keys.signing_set()).bundle_id == state.bundle_id);  // whoever signs
}

TEST_CASE("no number is signed that a reader would refuse", "[bundle][authoring]") {
  const ProducerKeys keys;
  StateInput input = input_of(sample_files(), k_number_limit, bundle_time());
  AuthoredState state = author_state(input, keys.signing_set());
  const auto seal_as = [&](std::uint64_t number) {
    Shipment shipment;
    shipment.number = number;
    seal(state.head, shipment, bundle_time(), keys.signing_set());
    return parse_hint(to_text(state.head.hint))->shipment;
  };
  CHECK(seal_as(k_number_limit) == k_number_limit);
  CHECK(code_of([&] { return seal_as(k_number_limit + 1); }) == ErrorCode::limit);
  input.serial = k_number_limit + 1;
  CHECK(code_of([&] { return author_state(input, keys.signing_set()); }) == ErrorCode::limit);
}

TEST_CASE("keys that are not at hand are named", "[bundle][authoring]") {
  const ProducerKeys keys;
  const StateInput input = input_of(sample_files(), 1, bundle_time());
  CHECK(code_of([&] { return author_state(input, keys.signing_set({"snapshot"})); }) == ErrorCode::untrusted);
  CHECK(code_of([&] { return author_state(input, SigningSet{}); }) == ErrorCode::usage);
  AuthoredState state = author_state(input, keys.signing_set());
  CHECK(code_of([&] {
          seal(state.head, {}, bundle_time(), keys.signing_set({"targets"}));
          return 0;
        }) == ErrorCode::untrusted);
}

TEST_CASE("keys that the root does not list do not sign", "[bundle][authoring]") {
  const ProducerKeys keys, others;
  SigningSet set = keys.signing_set();
  set.signers["snapshot"].push_back(&others.signer("snapshot"));
  const AuthoredState state = author_state(input_of(sample_files(), 1, bundle_time()), set);
  CHECK(
      trust::parse_signed(state.head.metadata.at("1.snapshot.json"), "s", trust::k_snapshot_limit).signatures.size() ==
      1);
}

TEST_CASE("a second sending of a state says the same in its timestamp", "[bundle][authoring]") {
  const ProducerKeys keys;
  AuthoredState state = author_state(input_of(sample_files(), 1, bundle_time()), keys.signing_set());
  seal(state.head, {}, bundle_time(), keys.signing_set());
  const std::string first = state.head.metadata.at("timestamp.json");
  seal(state.head, {.number = 2}, bundle_time(10), keys.signing_set());
  CHECK(state.head.metadata.at("timestamp.json") == first);
  CHECK(state.head.hint.shipment == 2);
  seal(state.head, {.number = 3}, bundle_time(60), keys.signing_set());  // more than half of 90 days
  CHECK(timestamp_in(state.head).version == trust::parse_timestamp(trust::parse_signed(first, "t", 16384)).version + 1);
}

TEST_CASE("timestamps of a later state are later, however often the one before was sealed", "[bundle][authoring]") {
  const ProducerKeys keys;
  AuthoredState first = author_state(input_of(sample_files(), 1, bundle_time()), keys.signing_set());
  StateInput input = input_of(sample_files(), 2, bundle_time(1));
  seal(first.head, {}, bundle_time(), keys.signing_set());
  input.previous = first.head;
  AuthoredState second = author_state(input, keys.signing_set());
  seal(second.head, {}, bundle_time(1), keys.signing_set());
  for (int i = 1; i < 20; ++i) {
    seal(first.head, {}, bundle_time(50 * i), keys.signing_set());
  }
  CHECK(timestamp_in(first.head).version < timestamp_in(second.head).version);
}

TEST_CASE("what is revoked stays revoked", "[bundle][authoring]") {
  const ProducerKeys keys;
  StateInput input = input_of(sample_files(), 1, bundle_time());
  input.revoked = {"pkg:npm/evil@1.0.0"};
  const AuthoredState first = author_state(input, keys.signing_set());
  input = input_of(sample_files(), 2, bundle_time(1));
  input.previous = first.head;
  input.revoked = {base::sha256("bad").to_string()};
  const AuthoredState second = author_state(input, keys.signing_set());
  CHECK(parse_revoked(second.head.targets.at("revoked.jsonl"), "r").size() == 2);
}

TEST_CASE("a last head of another channel is refused", "[bundle][authoring]") {
  const ProducerKeys keys;
  const AuthoredState first = author_state(input_of(sample_files(), 1, bundle_time()), keys.signing_set());
  StateInput input = input_of(sample_files(), 2, bundle_time(1));
  input.lock.channel = "site-b";
  input.previous = first.head;
  CHECK(code_of([&] { return author_state(input, keys.signing_set()); }) == ErrorCode::conflict);
}

TEST_CASE("the far side's checks are the near side's too", "[bundle][authoring]") {
  const ProducerKeys keys;
  auto files = sample_files();
  files.push_back(text_file("DOCS/GUIDE.TXT", "other"));
  CHECK(code_of([&] { return author_state(input_of(files, 1, bundle_time()), keys.signing_set()); }) ==
        ErrorCode::tampered);
}

TEST_CASE("the room of a head is enough for what it is for", "[bundle][authoring]") {
  const ProducerKeys keys(5, 2);
  std::vector<BundleFile> files = sample_files();
  for (int i = 0; i < 3000; ++i) {
    files.push_back({.ecosystem = "npm",
                     .path = "p/-/p-" + std::to_string(10'000 + i) + ".tgz",
                     .content = std::to_string(i),
                     .artifact = "pkg:npm/p@" + std::to_string(i)});
  }
  const StateInput input = input_of(files, 1, bundle_time());
  AuthoredState state = author_state(input, keys.signing_set());
  seal(state.head, {}, bundle_time(), keys.signing_set());
  model::Lock unknown = input.lock;
  for (auto& row : unknown.rows) {
    row.sha256.reset();
    row.length.reset();
  }
  const std::uint64_t bound = head_room_bound(unknown, keys.signing_set());
  CHECK(bound % 512 == 0);
  CHECK(build_head(state.head, bound, HeadEnd::blobs_follow).has_value());
  CHECK(head_room_bound(input.lock, keys.signing_set()) <=
        2 * build_head(state.head, std::nullopt, HeadEnd::alone)->size() + (512u << 10));
}

TEST_CASE("the room of a small state's head is small, and holds all that the channel revoked", "[bundle][authoring]") {
  const ProducerKeys keys(5, 2);
  const StateInput first = input_of({text_file("a.txt", "x")}, 1, bundle_time());
  CHECK(head_room_bound(first.lock, keys.signing_set()) <= 256u << 10);

  StateInput second = input_of({text_file("a.txt", "x")}, 2, bundle_time(1));
  second.previous = author_state(input_of(sample_files(), 1, bundle_time()), keys.signing_set()).head;
  for (int i = 0; i < 5000; ++i) {
    second.revoked.push_back({"pkg:npm/bad@1.0." + std::to_string(i), std::string(200, 'r')});
  }
  StateInput third = input_of({text_file("a.txt", "x")}, 3, bundle_time(2));
  third.previous = author_state(second, keys.signing_set()).head;
  const std::uint64_t bound = head_room_bound(third.lock, keys.signing_set(), third.previous);
  AuthoredState state = author_state(third, keys.signing_set());
  seal(state.head, {}, bundle_time(2), keys.signing_set());
  CHECK(state.head.metadata.contains("2.npm.json"));  // of an ecosystem that is no longer in it
  CHECK(build_head(state.head, bound, HeadEnd::blobs_follow).has_value());
}

TEST_CASE("the SBOM is SPDX 2.3 with one package an artifact", "[bundle][authoring]") {
  const model::Lock lock = make_lock(sample_files(), "site-a");
  const std::string text = build_sbom(lock, bundle_time(), "site-a", 7);
  CHECK(text == build_sbom(lock, bundle_time(), "site-a", 7));
  const base::Json sbom = base::parse_json(text, "sbom");
  CHECK(sbom["spdxVersion"] == "SPDX-2.3");
  CHECK(sbom["dataLicense"] == "CC0-1.0");
  CHECK(sbom["SPDXID"] == "SPDXRef-DOCUMENT");
  CHECK(sbom["creationInfo"]["created"] == "2026-07-01T12:00:00Z");
  CHECK(sbom["documentNamespace"].get<std::string>().find('#') == std::string::npos);
  CHECK(sbom["documentNamespace"] !=
        base::parse_json(build_sbom(lock, bundle_time(1), "site-a", 7), "s")["documentNamespace"]);
  REQUIRE(sbom["packages"].size() == 3);  // what is only known is not in the bundle
  for (const base::Json& package : sbom["packages"]) {
    const std::string id = package["SPDXID"].get<std::string>();
    CHECK(id.starts_with("SPDXRef-"));
    CHECK(std::ranges::all_of(
        id.substr(8), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-'; }));
    CHECK(package["filesAnalyzed"] == false);
    CHECK(package["licenseConcluded"] == "NOASSERTION");
    CHECK(package["downloadLocation"].get<std::string>().starts_with("https://"));
    CHECK(package["checksums"][0]["algorithm"] == "SHA256");
    CHECK(package["externalRefs"][0]["referenceType"] == "purl");
  }
  CHECK(sbom["packages"][1]["name"] == "opentofu");
  CHECK(sbom["packages"][1]["versionInfo"] == "1.12.6");
  CHECK(sbom["packages"][1]["checksums"].size() == 2);
  CHECK(sbom["packages"][2]["checksums"].size() == 1);  // an image is known by its manifest
  CHECK(sbom["relationships"].size() == 3);
}

TEST_CASE("provenance is signed by the build host and names the catalogs", "[bundle][authoring]") {
  const ProducerKeys keys;
  const model::Lock lock = make_lock(sample_files(), "site-a");
  const auto catalogs = build_catalogs(lock);
  const std::string bytes = build_provenance(lock, catalogs, bundle_time(), 7, keys.signing_set());
  const trust::Root root = trust::parse_root(trust::parse_signed(keys.newest_root(), "root", trust::k_root_limit));
  const std::string payload =
      trust::open_envelope(bytes, "application/vnd.in-toto+json", "p", root.roles.at("targets"), root.keys, 1 << 20);
  const base::Json statement = base::parse_json(payload, "statement");
  CHECK(statement["_type"] == "https://in-toto.io/Statement/v1");
  CHECK(statement["predicateType"] == "https://slsa.dev/provenance/v1");
  CHECK(statement["subject"].size() == catalogs.size());
  CHECK(statement["predicate"]["runDetails"]["metadata"]["startedOn"] == "2026-07-01T12:00:00Z");
}
