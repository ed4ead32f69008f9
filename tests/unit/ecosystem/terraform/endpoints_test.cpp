#include "ecosystem/terraform/endpoints.hpp"

#include "base/json.hpp"
#include "ecosystem/terraform/package_hash.hpp"
#include "ecosystem/terraform/terraform.hpp"
#include "mirror_fixture.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::terraform {

namespace {

const std::filesystem::path k_zip = std::filesystem::path(AIRLOCK_TEST_DATA) / "terraform/provider.zip";
const std::string k_hash = "h1:Tr7oBCo1ZO/yQEZinQMrJrN1J6QkXBSXY9l+0QtmGTk=";
const std::string k_folder = "providers/r.example_5000/team/demo/";
using Missing = std::vector<std::pair<std::string, std::string>>;

std::string file(const std::string& version, const std::string& platform) {
  return "terraform-provider-demo_" + version + "_" + platform + ".zip";
}

}  // namespace

TEST_CASE("the hash of an archive's content is the one that clients work out", "[ecosystem][terraform]") {
  CHECK(directory_hash(k_zip) == k_hash);
  const base::TempDir folder;
  base::write_file_atomic(folder.path() / "x", "no archive");
  CHECK(test::code_of([&] { return directory_hash(folder.path() / "x"); }) == base::ErrorCode::malformed);
}

TEST_CASE("the network mirror lists versions and, for each platform, both kinds of hashes", "[ecosystem][terraform]") {
  MirrorHome home;
  const std::string zip = base::read_file(k_zip, 1 << 20);
  home.add(plain_row("terraform", k_folder + file("1.2.3", "linux_amd64")), zip);
  home.add(plain_row("terraform", k_folder + file("1.2.3", "darwin_arm64")), "no archive");
  home.add(plain_row("terraform", k_folder + file("1.10.0", "linux_amd64")), zip);
  home.add(plain_row("terraform", k_folder + "terraform-provider-demo_1.2.3_SHA256SUMS", model::Kind::meta), "sums");
  home.add_row(plain_row("terraform", k_folder + file("9.9.9", "linux_amd64"), model::Kind::known));
  home.activate();
  MirrorServer server(home, descriptor());
  for (const std::string host : {"r.example_5000", "r.example:5000", "r.example%3A5000", "R.Example_5000"}) {
    INFO(host);
    const std::string base = "/tf/providers/" + host + "/team/demo/";
    const std::string index = server.raw("GET", base + "index.json");
    CHECK(index.find("Content-Type: application/json") != std::string::npos);
    CHECK(http::body_of_response(index) == R"({"versions":{"1.10.0":{},"1.2.3":{}}})");
    const base::Json archives = base::parse_json(server.body(base + "1.2.3.json"), "x")["archives"];
    CHECK(archives.size() == 2);
    CHECK(archives["linux_amd64"]["url"] == file("1.2.3", "linux_amd64"));
    CHECK(archives["linux_amd64"]["hashes"] == base::Json{k_hash, "zh:" + base::sha256(zip).hex()});
    CHECK(archives["darwin_arm64"]["hashes"] == base::Json{"zh:" + base::sha256("no archive").hex()});
    CHECK(server.body(base + file("1.2.3", "linux_amd64")) == zip);
    CHECK(server.body(base + "terraform-provider-demo_1.2.3_SHA256SUMS") == "sums");
  }
  CHECK(home.missing().empty());
}

TEST_CASE("a provider of which all is blocked is refused with the reason, and is no miss", "[ecosystem][terraform]") {
  MirrorHome home;
  const std::string folder = "providers/r.example/team/demo/";
  const std::string reason = "blocked on this side: bad";
  home.add(plain_row("terraform", folder + file("1.0.0", "linux_amd64"), model::Kind::withheld), "zip", reason);
  home.activate();
  MirrorServer server(home, descriptor());
  const std::string base = "/tf/" + folder;
  CHECK(server.status("GET", base + "index.json") == 403);
  CHECK(server.body(base + "index.json") == "'r.example/team/demo' is blocked on this side: bad\n");
  CHECK(server.status("GET", base + "1.0.0.json") == 403);
  CHECK(server.body(base + "1.0.0.json") == "'r.example/team/demo@1.0.0' is blocked on this side: bad\n");
  CHECK(home.missing().empty());
  CHECK(server.status("GET", base + "1.0.1.json") == 404);
  CHECK(home.missing() == Missing{{"terraform", "r.example/team/demo@1.0.1"}});
  home.add(plain_row("terraform", folder + file("1.1.0", "linux_amd64")), "zip of another");
  home.activate();
  CHECK(server.body(base + "index.json") == R"({"versions":{"1.1.0":{}}})");
}

TEST_CASE("what is missed becomes a wish", "[ecosystem][terraform]") {
  MirrorHome home;
  home.activate();
  MirrorServer server(home, descriptor());
  const std::string base = "/tf/providers/registry.opentofu.org/hashicorp/null/";
  CHECK(server.status("GET", base + "index.json") == 404);
  CHECK(server.status("GET", base + "3.2.2.json") == 404);
  CHECK(server.status("GET", base + "terraform-provider-null_3.2.3_linux_amd64.zip") == 404);
  CHECK(server.status("GET", base + "..%2fx.json") == 400);
  CHECK(server.status("GET", "/tf/providers/nohost/hashicorp/null/index.json") == 404);
  CHECK(server.status("GET", "/tf/v1/registry.opentofu.org/modules/a/b/c/versions") == 404);
  const std::string name = "registry.opentofu.org/hashicorp/null";
  CHECK(home.missing() == Missing{{"terraform", name}, {"terraform", name + "@3.2.2"}, {"terraform", name + "@3.2.3"}});
  const auto request = wanted(name + "@3.2.2").request;
  REQUIRE(request);
  CHECK(request->section == "terraform");
  CHECK(request->values.at("providers") == std::vector<std::string>{name + "@3.2.2"});
  CHECK_FALSE(wanted(name).is_private);
  CHECK(wanted("registry.site.internal/a/b").is_private);
  CHECK(wanted("r.example:5000/a/b@1.0.0").is_private);
  for (const char* bad : {"", "a/b", "x.example/a/b@~>1", "x.example/../b"}) {
    CHECK_FALSE(wanted(bad).request);
  }
}

}  // namespace airlock::ecosystem::terraform
