#include "bundle/documents.hpp"
#include "support/errors.hpp"

using namespace airlock;
using namespace airlock::bundle;
using airlock::base::ErrorCode;
using airlock::test::code_of;

namespace {

base::Time noon() {
  return base::parse_rfc3339("2026-07-01T12:00:00Z");
}

Descriptor some_descriptor() {
  return {.channel = "site-a",
          .serial = 7,
          .created = noon(),
          .request = base::sha256("wish"),
          .rows = {{"npm", 3}, {"oci", 12}},
          .artifacts = 5,
          .blobs = 9,
          .bytes = 123456789,
          .platforms = {"linux/amd64"},
          .waivers = {{.upstream = "registry.example", .what = "signatures-not-asked"}},
          .tool = "airlock 0.1.0",
          .previous = base::sha256("before").hex()};
}

Shipment some_shipment() {
  return {.channel = "site-a",
          .serial = 7,
          .number = 2,
          .bundle_id = base::sha256("snapshot").hex(),
          .kind = Shipment::Kind::delta,
          .bases = {{.serial = 6, .bundle_id = base::sha256("six").hex()}},
          .volumes = {{.length = 4096, .sha256 = base::sha256("v1")}},
          .blobs = 3,
          .bytes = 999,
          .omitted = omitted_digest({base::sha256("a")}),
          .omitted_blobs = 1};
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a descriptor is read as it was written", "[bundle][documents]") {
  Descriptor descriptor = some_descriptor();
  CHECK(parse_descriptor(to_text(descriptor), "d") == descriptor);
  descriptor.previous.reset();
  descriptor.waivers.clear();
  descriptor.rows.clear();
  CHECK(parse_descriptor(to_text(descriptor), "d") == descriptor);
}

TEST_CASE("a shipment is read as it was written", "[bundle][documents]") {
  CHECK(parse_shipment(to_text(some_shipment()), "s") == some_shipment());
  Shipment full{.channel = "a", .serial = 1, .bundle_id = base::sha256("x").hex(), .omitted = omitted_digest({})};
  CHECK(parse_shipment(to_text(full), "s") == full);
}

TEST_CASE("attachments are read as they were written", "[bundle][documents]") {
  const std::vector<Attachment> attachments = {
      {.kind = "sbom", .media_type = "application/spdx+json", .sha256 = base::sha256("s"), .length = 10}};
  CHECK(parse_attachments(to_text(attachments), "a") == attachments);
  CHECK(parse_attachments(to_text(std::vector<Attachment>{}), "a").empty());
}

TEST_CASE("a document in any other spelling is refused", "[bundle][documents]") {
  const std::string text = to_text(some_descriptor());
  const auto changed = GENERATE_COPY(values<std::string>({
      "",
      "{}",
      "[]",
      text + " ",
      " " + text,
      text + "{}",
      replaced(text, "\"serial\": 7", "\"serial\":7"),
      replaced(text, "\"serial\": 7", "\"serial\": -7"),
      replaced(text, "\"serial\": 7", "\"serial\": 7.0"),
      replaced(text, "\"serial\": 7", "\"serial\": 99999999999999999999"),
      replaced(text, "\"serial\": 7", "\"serial\": \"7\""),
      replaced(text, "\"tool\"", "\"extra\": 1, \"tool\""),
      replaced(text, "\"tool\"", "\"serial\": 8, \"tool\""),
      replaced(text, "site-a", "Site-A"),
      replaced(text, "site-a", "../site"),
      replaced(text, "sha256:", "sha512:"),
      replaced(text, "2026-07-01T12:00:00Z", "2026-07-01T14:00:00+02:00"),
      replaced(text, "\"npm\"", "\"../npm\""),
      replaced(text, "\"platforms\": [", "\"platforms\": [ 1,"),
      text.substr(0, text.size() / 2),
  }));
  CAPTURE(changed);
  CHECK(code_of([&] { return parse_descriptor(changed, "descriptor"); }) == ErrorCode::tampered);
}

TEST_CASE("a shipment with impossible values is refused", "[bundle][documents]") {
  const std::string text = to_text(some_shipment());
  const auto changed = GENERATE_COPY(values<std::string>({
      replaced(text, "\"delta\"", "\"half\""),
      replaced(text, "\"bundle\": \"", "\"bundle\": \"x"),
      replaced(text, "\"length\": 4096", "\"length\": -1"),
      replaced(text, "\"blobs\": 3", "\"blobs\": null"),
      replaced(text, "\"volumes\": [", "\"volumes\": {"),
  }));
  CHECK(code_of([&] { return parse_shipment(changed, "shipment"); }) == ErrorCode::tampered);
}

TEST_CASE("a shipment with more volumes than a set may have is refused", "[bundle][documents]") {
  Shipment shipment = some_shipment();
  shipment.volumes.resize(k_volume_limit, shipment.volumes.front());
  CHECK(parse_shipment(to_text(shipment), "s").volumes.size() == k_volume_limit);
  shipment.volumes.push_back(shipment.volumes.front());
  CHECK(code_of([&] { return parse_shipment(to_text(shipment), "s"); }) == ErrorCode::tampered);
}

TEST_CASE("a document of a newer format names the way out", "[bundle][documents]") {
  const std::string text = replaced(to_text(some_descriptor()), "\"format\": 1", "\"format\": 2");
  const base::Error error = test::error_of([&] { return parse_descriptor(text, "descriptor"); });
  CHECK(error.code() == ErrorCode::unsupported);
  CHECK_FALSE(error.hint().empty());
}

TEST_CASE("a hint is read as it was written, and is never an error", "[bundle][documents]") {
  const Hint hint{.kind = "volume",
                  .channel = std::string(63, 'c'),
                  .serial = 9007199254740991,
                  .shipment = 999999,
                  .set = set_id("c", 7, 1, noon()),
                  .volume = 9999,
                  .volumes = 9999,
                  .created = "2026-07-01T12:00:00Z"};
  CHECK(parse_hint(to_text(hint)) == hint);
  CHECK(to_text(hint).size() <= k_hint_limit);
  CHECK_FALSE(parse_hint(""));
  CHECK_FALSE(parse_hint("{}"));
  CHECK_FALSE(parse_hint(std::string(1000, '[')));
  CHECK_FALSE(parse_hint(std::string(100'000, ' ')));
}

TEST_CASE("the hint of a head says which sending it is of", "[bundle][documents]") {
  const Hint hint = head_hint("site-a", 7, 2, noon(), 3);
  CHECK(hint == Hint{.kind = "head",
                     .channel = "site-a",
                     .serial = 7,
                     .shipment = 2,
                     .set = set_id("site-a", 7, 2, noon()),
                     .volumes = 3,
                     .created = base::to_rfc3339(noon())});
  CHECK(hint.set != head_hint("site-a", 7, 1, noon(), 3).set);
}

TEST_CASE("the set of a sending is told by all that makes it this sending", "[bundle][documents]") {
  const std::string id = set_id("a", 1, 1, noon());
  CHECK(id.size() == 64);
  CHECK(id != set_id("b", 1, 1, noon()));
  CHECK(id != set_id("a", 2, 1, noon()));
  CHECK(id != set_id("a", 1, 2, noon()));
  CHECK(id != set_id("a", 1, 1, noon() + std::chrono::seconds(1)));
}

TEST_CASE("what is left out has one digest whatever its order", "[bundle][documents]") {
  const base::Digest a = base::sha256("a");
  const base::Digest b = base::sha256("b");
  CHECK(omitted_digest({a, b}) == omitted_digest({b, a}));
  CHECK(omitted_digest({a}) != omitted_digest({b}));
  CHECK(omitted_digest({}) == base::sha256(""));
  CHECK(omitted_digest({a}) == base::sha256(a.hex() + "\n"));
}

TEST_CASE("what is revoked is a sorted list of digests and package URLs", "[bundle][documents]") {
  const std::string digest = base::sha256("bad").to_string();
  const std::string text = revoked_text({"pkg:npm/evil@1.0.0", digest, digest});
  CHECK(parse_revoked(text, "r") == std::vector<Revoked>{"pkg:npm/evil@1.0.0", digest});
  CHECK(parse_revoked("", "r").empty());
  CHECK(code_of([] { return revoked_text({"left-pad"}); }) == ErrorCode::malformed);
  for (const std::string& bad : {std::string("{}\n"), text + "\n", text.substr(0, text.size() - 1), text + text,
                                 std::string("{\"digest\":\"sha256:00\"}\n"), std::string("x\n")}) {
    CAPTURE(bad);
    CHECK(code_of([&] { return parse_revoked(bad, "r"); }) == ErrorCode::tampered);
  }
}

TEST_CASE("a list of what is revoked has an end", "[bundle][documents]") {
  std::vector<Revoked> revoked;
  for (std::size_t i = 0; i < k_revoked_limit; ++i) {
    revoked.emplace_back("pkg:npm/name-" + std::to_string(100'000 + i));
  }
  const std::string text = revoked_text(revoked);
  CHECK(parse_revoked(text, "r").size() == k_revoked_limit);
  revoked.emplace_back("pkg:npm/one-too-many");
  CHECK(code_of([&] { return revoked_text(revoked); }) == ErrorCode::limit);
  const std::string more = text + "{\"artifact\":\"pkg:npm/one-too-many\"}\n";
  CHECK(code_of([&] { return parse_revoked(more, "r"); }) == ErrorCode::tampered);
}
