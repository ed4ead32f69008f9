#include "ecosystem/terraform/registry_client.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::terraform {

namespace {

const base::Url k_url = base::Url::parse("https://registry.example/.well-known/terraform.json");
const std::string k_hex(64, 'a');

std::string package_json(const std::string& changes = "") {
  return R"({"protocols":["5.0"],"os":"linux","arch":"amd64","filename":"p.zip","download_url":"files/p.zip","shasum":")" +
         k_hex + R"(","shasums_url":"https://dl.example/SUMS","shasums_signature_url":"/SUMS.sig",)" +
         R"("signing_keys":{"gpg_public_keys":[{"ascii_armor":"one"},{"ascii_armor":"two\n"},{}]})" + changes + "}";
}

const model::Platform k_platform = model::Platform::parse("linux/amd64");

}  // namespace

TEST_CASE("discovery takes relative and absolute addresses", "[ecosystem][terraform]") {
  CHECK(parse_discovery(R"({"providers.v1":"/v1/providers/"})", k_url).to_string() ==
        "https://registry.example/v1/providers/");
  CHECK(parse_discovery(R"({"providers.v1":"https://api.example/p"})", k_url).to_string() == "https://api.example/p/");
  CHECK(test::code_of([] { return parse_discovery(R"({"modules.v1":"/m/"})", k_url); }) == base::ErrorCode::not_found);
  for (const char* body : {"<html>", R"({"providers.v1":7})", R"({"providers.v1":"file:///etc"})", "[]", "{"}) {
    INFO(body);
    const auto code = test::code_of([&] { return parse_discovery(body, k_url); });
    CHECK((code == base::ErrorCode::upstream || code == base::ErrorCode::malformed));
  }
}

TEST_CASE("versions that no client could ask for are passed over", "[ecosystem][terraform]") {
  const auto versions = parse_versions(
      R"({"versions":[{"version":"1.2.3","platforms":[{"os":"linux","arch":"amd64"}]},{"version":"nightly"},{"version":"2.0.0-rc1"}]})",
      k_url);
  REQUIRE(versions.size() == 2);
  CHECK(versions[0].platforms == std::vector<std::string>{"linux_amd64"});
  CHECK(versions[1].version.is_prerelease());
  for (const char* body : {R"({"versions":{}})", "{}", R"({"versions":[7]})", R"({"versions":[{"version":1}]})"}) {
    INFO(body);
    const auto code = test::code_of([&] { return parse_versions(body, k_url); });
    CHECK((code == base::ErrorCode::upstream || code == base::ErrorCode::malformed));
  }
}

TEST_CASE("a package's addresses are relative to the answer", "[ecosystem][terraform]") {
  const Package package =
      parse_package(package_json(), base::Url::parse("https://registry.example/v1/x/linux/amd64"), k_platform);
  CHECK(package.archive.to_string() == "https://registry.example/v1/x/linux/files/p.zip");
  CHECK(package.checksums.to_string() == "https://dl.example/SUMS");
  CHECK(package.signature->to_string() == "https://registry.example/SUMS.sig");
  CHECK(package.keys == "one\ntwo\n");
  CHECK(package.sha256.hex() == k_hex);
}

TEST_CASE("a token's variable is named as the clients name it", "[ecosystem][terraform]") {
  CHECK(token_variable("registry.my-site.example") == "TF_TOKEN_registry_my__site_example");
}

TEST_CASE("an answer for something else is refused", "[ecosystem][terraform]") {
  const auto changed = [](const std::string& what, const std::string& with) {
    std::string text = package_json();
    text.replace(text.find(what), what.size(), with);
    return text;
  };
  const std::string body =
      GENERATE_COPY(as<std::string>{}, "<html>", "{}", "[]", changed("\"amd64\"", "\"arm64\""),
                    changed("p.zip", "../p.zip"), changed(k_hex, "12"), changed("files/p.zip", "ftp://x/p.zip"),
                    changed("https://dl.example/SUMS", "file:///etc/passwd"));
  INFO(body);
  const auto code = test::code_of([&] { return parse_package(body, k_url, k_platform); });
  CHECK((code == base::ErrorCode::upstream || code == base::ErrorCode::malformed));
}

}  // namespace airlock::ecosystem::terraform
