#include "ecosystem/oci/registry_client.hpp"

#include "fake_registry.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/fault_server.hpp"

namespace airlock::ecosystem::oci {

using base::ErrorCode;
using test::FaultAnswer;
using test::FaultServer;

namespace {

Credentials none(std::string_view) {
  return {};
}

const std::string k_digest = "sha256:" + std::string(64, '1');

}  // namespace

TEST_CASE("a manifest's bytes are what the digest says", "[oci][registry_client]") {
  FakeRegistry registry;
  const std::string bytes = image("c", "l").dump();
  const std::string digest = registry.put_manifest("a/b", bytes, "1");
  http::Client http(quick_options());
  RegistryClient client(http, registry.url(), none);
  const std::optional<FetchedManifest> by_tag = client.manifest("a/b", "1");
  REQUIRE(by_tag);
  CHECK(by_tag->bytes == bytes);
  CHECK(by_tag->digest.to_string() == digest);
  CHECK(by_tag->verified == model::Verified::upstream_digest);
  CHECK(client.manifest("a/b", digest, base::Digest::parse(digest))->sha256.to_string() == digest);
  CHECK_FALSE(client.manifest("a/b", "2"));
  CHECK(client.manifest_digest("a/b", "1")->to_string() == digest);
  CHECK_FALSE(client.manifest_digest("a/b", "2"));
}

TEST_CASE("other bytes than the digest says are refused", "[oci][registry_client]") {
  FaultServer server;
  const std::string bytes = image("c", "l").dump();
  server.script("/v2/a/manifests/1", {{.fields = {{"Docker-Content-Digest", k_digest}}, .body = bytes}});
  server.script("/v2/a/manifests/" + k_digest, {{.body = bytes}});
  http::Client http(quick_options());
  RegistryClient client(http, base::Url::parse(server.url("/")), none);
  CHECK(test::code_of([&] { client.manifest("a", "1"); }) == ErrorCode::tampered);
  CHECK(test::code_of([&] { client.manifest("a", k_digest, base::Digest::parse(k_digest)); }) == ErrorCode::tampered);
}

TEST_CASE("a sha512 digest is checked as such", "[oci][registry_client]") {
  const std::string bytes = image("c", "l").dump();
  base::Hasher hasher(base::HashAlgorithm::sha512);
  hasher.update(bytes);
  const base::Digest digest = hasher.finish();
  FaultServer server;
  server.script("/v2/a/manifests/" + digest.to_string(), {{.body = bytes}});
  http::Client http(quick_options());
  RegistryClient client(http, base::Url::parse(server.url("/")), none);
  const std::optional<FetchedManifest> fetched = client.manifest("a", digest.to_string(), digest);
  CHECK(fetched->digest == digest);
  CHECK(fetched->sha256 == base::sha256(bytes));
}

TEST_CASE("a tag without a stated digest is not called verified", "[oci][registry_client]") {
  FaultServer server;
  server.script("/v2/a/manifests/1", {{.body = image("c", "l").dump()}});
  http::Client http(quick_options());
  RegistryClient client(http, base::Url::parse(server.url("/")), none);
  CHECK(client.manifest("a", "1")->verified == model::Verified::none);
}

TEST_CASE("a manifest of more than 4 MiB is refused", "[oci][registry_client]") {
  FaultServer server;
  server.script("/v2/a/manifests/1", {{.body = std::string(k_manifest_limit + 1, ' ')}});
  http::Client http(quick_options());
  RegistryClient client(http, base::Url::parse(server.url("/")), none);
  CHECK(test::code_of([&] { client.manifest("a", "1"); }) == ErrorCode::limit);
}

TEST_CASE("what the registry says stands in the error", "[oci][registry_client]") {
  const auto [status, code] =
      GENERATE(table<int, ErrorCode>({{403, ErrorCode::auth}, {400, ErrorCode::upstream}, {429, ErrorCode::upstream}}));
  FaultServer server;
  server.script("/v2/a/manifests/1",
                {{.status = status, .body = R"({"errors":[{"code":"DENIED","message":"ask Eve"}]})"}});
  http::Client http(quick_options());
  RegistryClient client(http, base::Url::parse(server.url("/")), none);
  const base::Error error = test::error_of([&] { client.manifest("a", "1"); });
  CHECK(error.code() == code);
  CHECK(error.message().find("DENIED: ask Eve") != std::string::npos);
}

TEST_CASE("all pages of a list of tags are read", "[oci][registry_client]") {
  FakeRegistry registry;
  for (const char* tag : {"1", "2", "3", "4", "5"}) {
    registry.put_manifest("a", image("c", tag).dump(), tag);
  }
  http::Client http(quick_options());
  RegistryClient client(http, registry.url(), none);
  CHECK(client.tags("a") == std::vector<std::string>{"1", "2", "3", "4", "5"});
}

TEST_CASE("a list of tags ends where nothing new comes", "[oci][registry_client]") {
  FaultServer server;
  server.script("/v2/a/tags/list", [](const test::FaultRequest&, std::size_t count) {
    return FaultAnswer{.fields = {{"Link", "</v2/a/tags/list?page=" + std::to_string(count) + ">; rel=\"next\""}},
                       .body = count == 0 ? R"({"tags":["1","not a tag"]})" : R"({"tags":null})"};
  });
  http::Client http(quick_options());
  RegistryClient client(http, base::Url::parse(server.url("/")), none);
  CHECK(client.tags("a") == std::vector<std::string>{"1"});
  CHECK(server.requests().size() == 2);
  CHECK(test::code_of([&] { client.tags("b"); }) == ErrorCode::not_found);
}

TEST_CASE("a page of tags gives those that can be asked for", "[oci][registry_client]") {
  CHECK(parse_tag_page(R"({"name":"a","tags":["1.0","",7,null,"not a tag","latest"]})", "the list") ==
        std::vector<std::string>{"1.0", "latest"});
  CHECK(parse_tag_page(R"({"tags":null})", "the list").empty());
  CHECK(parse_tag_page("{}", "the list").empty());
  CHECK(test::code_of([] { return parse_tag_page("[]", "the list"); }) == ErrorCode::upstream);
  CHECK(test::code_of([] { return parse_tag_page("<html>", "the list"); }) == ErrorCode::malformed);
}

TEST_CASE("no referrers and no way to ask are different", "[oci][registry_client]") {
  const base::Digest subject = base::sha256("x");
  http::Client http(quick_options());
  FakeRegistry with_api;
  FakeRegistry without_api({.referrers_api = false});
  CHECK(RegistryClient(http, with_api.url(), none).referrers("a", subject)->empty());
  CHECK_FALSE(RegistryClient(http, without_api.url(), none).referrers("a", subject));
  with_api.fail("/referrers/", 403);
  CHECK(test::code_of([&] { RegistryClient(http, with_api.url(), none).referrers("a", subject); }) == ErrorCode::auth);
  FaultServer page;
  page.script("/v2/a/referrers/" + subject.to_string(), {{.fields = {{"Content-Type", "text/html"}}, .body = "<p>"}});
  CHECK_FALSE(RegistryClient(http, base::Url::parse(page.url("/")), none).referrers("a", subject));
}

TEST_CASE("the next page is found in any shape of Link, and only on the same host", "[oci][registry_client]") {
  const base::Url page = base::Url::parse("https://r.example/v2/a/tags/list");
  const auto next = [&](const char* link) {
    const auto url = next_page(http::Headers{{"Link", link}}, page);
    return url ? url->to_string() : "";
  };
  CHECK(next("</v2/a/tags/list?last=b&n=2>; rel=\"next\"") == "https://r.example/v2/a/tags/list?last=b&n=2");
  CHECK(next("<list?a=1,2>; rel=next") == "https://r.example/v2/a/tags/list?a=1,2");
  CHECK(next("</x>; rel=\"prev\", </y>; rel=\"next\"") == "https://r.example/y");
  CHECK(next("</x>; rel=\"prev\"").empty());
  CHECK(next("garbage").empty());
  CHECK(next("<unclosed; rel=\"next\"").empty());
  CHECK(test::code_of([&] { next("<https://evil.example/>; rel=\"next\""); }) == ErrorCode::upstream);
}

}  // namespace airlock::ecosystem::oci
