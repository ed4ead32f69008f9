#include "ecosystem/pulumi/endpoints.hpp"

#include "ecosystem/pulumi/pulumi.hpp"
#include "mirror_fixture.hpp"

namespace airlock::ecosystem::pulumi {

namespace {

const std::string k_file = "pulumi-resource-random-v4.18.0-linux-amd64.tar.gz";
using Missing = std::vector<std::pair<std::string, std::string>>;

}  // namespace

TEST_CASE("a plugin comes with its length and as it is", "[ecosystem][pulumi]") {
  MirrorHome home;
  auto row = plain_row("pulumi", "plugins/" + k_file);
  row.media_type = "application/gzip";
  home.add(row, "packed");
  home.activate();
  MirrorServer server(home, descriptor());
  const std::string response = server.raw("GET", "/pulumi/plugins/" + k_file, "Accept-Encoding: gzip\r\n");
  CHECK(http::status_of_response(response) == 200);
  CHECK(http::body_of_response(response) == "packed");
  CHECK(response.find("Content-Length: 6\r\n") != std::string::npos);
  CHECK(response.find("Content-Encoding") == std::string::npos);
  CHECK(response.find("Transfer-Encoding") == std::string::npos);
  CHECK(home.missing().empty());
}

TEST_CASE("what is missed becomes a wish", "[ecosystem][pulumi]") {
  MirrorHome home;
  home.activate();
  MirrorServer server(home, descriptor());
  CHECK(server.status("GET", "/pulumi/plugins/" + k_file) == 404);
  CHECK(server.status("GET", "/pulumi/sdk/pulumi-v3.259.0-linux-x64.tar.gz") == 404);
  CHECK(server.status("GET", "/pulumi/sdk/install.sh") == 404);
  CHECK(home.missing() == Missing{{"pulumi", "plugins/" + k_file}, {"pulumi", "sdk/pulumi-v3.259.0-linux-x64.tar.gz"}});
  const auto plugin = wanted("plugins/" + k_file);
  REQUIRE(plugin.request);
  CHECK(plugin.request->section == "pulumi");
  CHECK(plugin.request->values.at("plugins") == std::vector<std::string>{"resource random@4.18.0"});
  CHECK(plugin.request->values.at("platforms") == std::vector<std::string>{"linux/amd64"});
  CHECK_FALSE(plugin.is_private);
  const auto sdk = wanted("sdk/pulumi-v3.259.0-linux-x64.tar.gz");
  REQUIRE(sdk.request);
  CHECK(sdk.request->section == "tools");
  CHECK(sdk.request->values.at("version") == std::vector<std::string>{"3.259.0"});
  for (const char* name :
       {"", "plugins/", "plugins/x", "sdk/x", "plugins/pulumi-resource-$(x)-v1.0.0-linux-amd64.tar.gz"}) {
    CHECK_FALSE(wanted(name).request);
  }
}

TEST_CASE("the CLI's own releases are those of the tool", "[ecosystem][pulumi]") {
  MirrorHome home;
  home.add(plain_row("tool", "pulumi/3.9.0/pulumi-v3.9.0-linux-x64.tar.gz"), "old");
  home.add(plain_row("tool", "pulumi/3.259.0/pulumi-v3.259.0-linux-x64.tar.gz"), "new");
  home.add(plain_row("tool", "pulumi/3.259.0/pulumi-3.259.0-checksums.txt", model::Kind::meta), "sums");
  home.activate();
  MirrorServer server(home, descriptor());
  CHECK(server.body("/pulumi/sdk/latest-version") == "3.259.0\n");
  CHECK(server.body("/pulumi/sdk/pulumi-v3.259.0-linux-x64.tar.gz") == "new");
  CHECK(server.body("/pulumi/sdk/pulumi-3.259.0-checksums.txt") == "sums");
  CHECK(server.status("GET", "/pulumi/sdk/pulumi-v3.10.0-linux-x64.tar.gz") == 404);
}

TEST_CASE("plugins and releases that are blocked are refused with the reason, and are no miss", "[ecosystem][pulumi]") {
  MirrorHome home;
  const std::string reason = "blocked on this side: bad";
  const std::string release = "pulumi-v3.9.0-linux-x64.tar.gz";
  home.add(plain_row("pulumi", "plugins/" + k_file, model::Kind::withheld), "plugin", reason);
  home.add(plain_row("tool", "pulumi/3.9.0/" + release, model::Kind::withheld), "old", reason);
  home.activate();
  MirrorServer server(home, descriptor());
  CHECK(server.body("/pulumi/plugins/" + k_file) == "'plugins/" + k_file + "' is blocked on this side: bad\n");
  CHECK(server.body("/pulumi/sdk/" + release) == "'" + release + "' is blocked on this side: bad\n");
  CHECK(server.status("GET", "/pulumi/sdk/latest-version") == 403);
  CHECK(server.body("/pulumi/sdk/latest-version") == "the CLI is blocked on this side: bad\n");
  CHECK(home.missing().empty());
}

}  // namespace airlock::ecosystem::pulumi
