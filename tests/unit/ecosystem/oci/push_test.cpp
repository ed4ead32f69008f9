#include <algorithm>

#include "ecosystem/oci/importer.hpp"
#include "ecosystem/oci/push_target.hpp"
#include "ecosystem/oci/tags.hpp"
#include "fake_registry.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/recording_reporter.hpp"

namespace airlock::ecosystem::oci {

using base::ErrorCode;
using Mode = PushContext::Mode;
using Platforms = TestHome::Platforms;

namespace {

const TwoPlatforms k_two;
constexpr const char* k_app = "quay.io/team/app";
constexpr const char* k_there = "site/quay.io/team/app";

PushReport push_to(FakeRegistry& registry, TestHome& home, Mode mode = Mode::push, const std::string& user = "") {
  http::Client client(quick_options());
  test::RecordingReporter reporter;
  const auto catalog = home.publish();
  const PushContext context{client, *catalog, home.blobs, reporter, mode};
  return push(context, {registry.url("/site/"), user, base::Secret(user.empty() ? "" : "p")});
}

std::vector<std::string> subjects(const PushReport& report) {
  std::vector<std::string> result;
  for (const base::Finding& finding : report.failures) {
    result.push_back(finding.subject);
  }
  return result;
}

}  // namespace

TEST_CASE("an image is pushed whole, and found there the second time", "[oci][push]") {
  FakeRegistry registry;
  TestHome home;
  home.add_image(k_app, "1", Platforms::both);
  const PushReport first = push_to(registry, home);
  CHECK(first.failures.empty());
  CHECK(first.pushed == 1);
  CHECK(first.bytes_sent > 0);
  CHECK(registry.manifest(k_there, "1") == k_two.index);
  CHECK(registry.manifest(k_there, digest_text(k_two.arm64)) == k_two.arm64);
  CHECK(registry.has_blob(k_there, k_two.amd64_layer));
  CHECK(registry.uploads() == 4);
  const PushReport second = push_to(registry, home);
  CHECK(second.pushed == 0);
  CHECK(second.present == 1);
  CHECK(second.bytes_sent == 0);
  CHECK(push_to(registry, home, Mode::check).failures.empty());
}

TEST_CASE("a dry run says what would go and sends nothing", "[oci][push]") {
  FakeRegistry registry;
  TestHome home;
  home.add_image(k_app, "1", Platforms::both);
  const PushReport report = push_to(registry, home, Mode::dry_run);
  CHECK(report.pushed == 1);
  CHECK(report.bytes_sent == 0);
  CHECK(registry.requests("PUT ") + registry.requests("POST ") == 0);
}

TEST_CASE("a check names what is missing or other", "[oci][push]") {
  FakeRegistry registry;
  TestHome home;
  home.add_image(k_app, "1", Platforms::both);
  CHECK(subjects(push_to(registry, home, Mode::check)) == std::vector<std::string>{"quay.io/team/app:1"});
  push_to(registry, home);
  registry.put_manifest(k_there, image("c", "other").dump(), "1", {"c", "other"});
  const PushReport report = push_to(registry, home, Mode::check);
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].message.find("the tag is sha256:") != std::string::npos);
  CHECK(push_to(registry, home).pushed == 1);
  CHECK(registry.manifest(k_there, "1") == k_two.index);
}

TEST_CASE("a layer that another repository there has is mounted", "[oci][push]") {
  FakeRegistry registry({.mounts = GENERATE(true, false)});
  TestHome home;
  home.add_image("quay.io/a", "1", Platforms::both);
  home.add_image("quay.io/b", "1", Platforms::both);
  const PushReport report = push_to(registry, home);
  CHECK(report.failures.empty());
  CHECK(registry.uploads() + registry.mounts() == 8);
  CHECK((registry.mounts() == 4 || registry.mounts() == 0));
}

TEST_CASE("an index without all children goes where that is allowed", "[oci][push]") {
  FakeRegistry registry;
  TestHome home;
  home.add_image(k_app, "1", Platforms::amd64);
  CHECK(push_to(registry, home).failures.empty());
  CHECK(registry.manifest(k_there, "1") == k_two.index);
}

TEST_CASE("where it is not, the children go under tags of their own and the finding says so", "[oci][push]") {
  FakeRegistry registry({.wants_all_children = true});
  TestHome home;
  home.add_image(k_app, "1", Platforms::amd64);
  home.add_manifest("quay.io/other", image("c", "l").dump(), "1");
  home.add_blob("quay.io/other", "c");
  home.add_blob("quay.io/other", "l");
  const PushReport report = push_to(registry, home);
  CHECK(subjects(report) == std::vector<std::string>{"quay.io/team/app:1"});
  CHECK(report.failures[0].code == ErrorCode::unsupported);
  CHECK(report.failures[0].message.find("1-linux-amd64") != std::string::npos);
  CHECK(registry.manifest(k_there, "1-linux-amd64") == k_two.amd64);
  CHECK_FALSE(registry.manifest(k_there, "1"));
  CHECK(report.pushed == 1);  // the rest goes on
  CHECK(push_to(registry, home).bytes_sent < k_two.index.size() + 10);
}

TEST_CASE("signatures are pushed, and listed for registries without the API", "[oci][push]") {
  const bool api = GENERATE(true, false);
  FakeRegistry registry({.referrers_api = api});
  TestHome home;
  home.add_image(k_app, "1", Platforms::both);
  const std::string sbom = artifact("sbom", k_two.index, "the sbom").dump();
  home.add_manifest(k_app, sbom);
  home.add_blob(k_app, "the sbom");
  home.add_blob(k_app, "{}");
  const std::string signature_tag = referrers_tag(base::sha256(k_two.index)) + ".sig";
  home.add_manifest(k_app, image("{}", "the sbom").dump(), signature_tag);
  const std::string list_tag = referrers_tag(base::sha256(k_two.index));
  const std::string others = artifact("other", k_two.index, "other").dump();
  Json there = index_of({descriptor(k_oci_manifest, others)});
  if (!api) {
    registry.put_manifest(k_there, there.dump(), list_tag);
  }
  const PushReport report = push_to(registry, home);
  CHECK(report.failures.empty());
  CHECK(report.pushed == 1);
  CHECK(registry.manifest(k_there, digest_text(sbom)) == sbom);
  CHECK(registry.manifest(k_there, signature_tag));
  const std::optional<std::string> list = registry.manifest(k_there, list_tag);
  CHECK(list.has_value() == !api);
  if (list) {
    const Json entries = Json::parse(*list)["manifests"];
    REQUIRE(entries.size() == 2);
    CHECK(entries[0]["digest"] == digest_text(others));
    CHECK(entries[1]["digest"] == digest_text(sbom));
    CHECK(entries[1]["artifactType"] == "sbom");
  }
  CHECK(push_to(registry, home).bytes_sent == 0);
}

TEST_CASE("one image's failure does not stop the others", "[oci][push]") {
  FakeRegistry registry;
  TestHome home;
  home.add_image("quay.io/bad", "1", Platforms::both);
  home.add_image("quay.io/good", "1", Platforms::both);
  registry.fail("site/quay.io/bad/blobs/uploads", 403);
  const PushReport report = push_to(registry, home);
  CHECK(subjects(report) == std::vector<std::string>{"quay.io/bad:1"});
  CHECK(report.failures[0].message.find("DENIED") != std::string::npos);
  CHECK(report.pushed == 1);
  registry.heal();
  CHECK(push_to(registry, home).pushed == 1);
}

TEST_CASE("a blob that is not in the store is named", "[oci][push]") {
  FakeRegistry registry;
  TestHome home;
  home.add_image(k_app, "1", Platforms::both);
  home.blobs.remove(base::sha256(k_two.arm64_layer));
  const PushReport report = push_to(registry, home);
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].message.find(digest_text(k_two.arm64_layer)) != std::string::npos);
  CHECK_FALSE(registry.manifest(k_there, "1"));
  CHECK(registry.manifest(k_there, digest_text(k_two.amd64)));
}

TEST_CASE("images that are known by digest only are pushed", "[oci][push]") {
  FakeRegistry registry;
  TestHome home;
  home.add_image(k_app, "", Platforms::both);
  const PushReport report = push_to(registry, home);
  CHECK(report.pushed == 1);
  CHECK(registry.manifest(k_there, digest_text(k_two.index)));
}

TEST_CASE("a token is got with the destination's credentials", "[oci][push]") {
  FakeRegistry registry({.token = "secret"});
  TestHome home;
  home.add_image(k_app, "1", Platforms::both);
  CHECK(test::code_of([&] { push_to(registry, home); }) == ErrorCode::auth);
  const PushReport report = push_to(registry, home, Mode::push, "u");
  CHECK(report.failures.empty());
  CHECK(report.pushed == 1);
}

TEST_CASE("an upload goes on where the registry says, but not from https to plain http", "[oci][push]") {
  const base::Url registry = base::Url::parse("https://r.example:5000/");
  const base::Url asked = base::Url::parse("https://r.example:5000/v2/a/blobs/uploads/");
  const auto address = [&](std::string_view location) { return upload_address(registry, asked, location).to_string(); };
  CHECK(address("/v2/a/blobs/uploads/1?state=x") == "https://r.example:5000/v2/a/blobs/uploads/1?state=x");
  CHECK(address("1") == "https://r.example:5000/v2/a/blobs/uploads/1");
  CHECK(address("https://store.example/1") == "https://store.example/1");
  // Behind a proxy that ends TLS; the host stays, whatever the path looks like.
  CHECK(address("http://r.example/v2/1?a=b") == "https://r.example:5000/v2/1?a=b");
  CHECK(address("http://r.example//store.example/1") == "https://r.example:5000//store.example/1");
  for (const char* const location : {"http://store.example/1", "file:///tmp/1", "https://", "https://a b/"}) {
    CAPTURE(location);
    CHECK(test::code_of([&] { return address(location); }) == ErrorCode::upstream);
  }
  const base::Url plain = base::Url::parse("http://r.example/");
  CHECK(upload_address(plain, plain, "http://store.example/1").to_string() == "http://store.example/1");
  const base::Digest digest = base::sha256("x");
  CHECK(upload_end(plain, digest).query() == "digest=sha256%3A" + digest.hex());
  CHECK(upload_end(base::Url::parse("http://r.example/1?s=2"), digest).query() ==
        "s=2&digest=sha256%3A" + digest.hex());
}

TEST_CASE("nothing to push asks nobody", "[oci][push]") {
  FakeRegistry registry;
  TestHome home;
  CHECK(push_to(registry, home).pushed == 0);
  CHECK(registry.requests("") == 0);
}

TEST_CASE("a registry that does not answer is one error", "[oci][push]") {
  TestHome home;
  home.add_image(k_app, "1", Platforms::both);
  std::string dead;
  {
    FakeRegistry registry;
    dead = registry.url("/").to_string();
  }
  http::Client client(quick_options());
  test::RecordingReporter reporter;
  const auto catalog = home.publish();
  const PushContext context{client, *catalog, home.blobs, reporter};
  CHECK(test::code_of([&] { push(context, {base::Url::parse(dead), "", {}}); }) == ErrorCode::network);
}

}  // namespace airlock::ecosystem::oci
