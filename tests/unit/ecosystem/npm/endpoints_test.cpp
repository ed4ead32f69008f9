// The registry that is served: documents rebuilt from rows, tarballs, misses.
#include "ecosystem/npm/endpoints.hpp"

#include "base/json.hpp"
#include "base/text.hpp"
#include "ecosystem/npm/client_config.hpp"
#include "ecosystem/npm/names.hpp"
#include "ecosystem/npm/npm.hpp"
#include "ecosystem/npm/version_document.hpp"
#include "mirror_fixture.hpp"

namespace airlock::ecosystem::npm {

using base::Json;
using model::Kind;

namespace {

constexpr const char* k_accept_abbreviated =
    "Accept: application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*\r\n";

model::FileRow row(const std::string& package, const std::string& version, std::string path, Kind kind) {
  model::FileRow result = plain_row("npm", std::move(path), kind);
  result.artifact = purl_of(package, version);
  result.media_type = "application/json";
  return result;
}

class Home : public MirrorHome {
 public:
  void add_version(const std::string& package, const std::string& version, Json more = Json::object(),
                   Kind kind = Kind::file, const std::string& time = "") {
    const std::string file = usual_tarball_name(package, version);
    Json object = {{"name", package}, {"version", version}, {"dist", {{"integrity", "sha512-x"}}}};
    object.update(more);
    model::FileRow tarball = row(package, version, tarball_path(package, file), kind);
    tarball.media_type = "application/octet-stream";
    if (kind == Kind::known) {
      add_row(tarball);
    } else {
      add(tarball, "bytes of " + version);
    }
    add(row(package, version, version_path(package, version), Kind::meta), carried_version(object, file));
    if (const auto notes = carried_notes(object, time)) {
      add(row(package, version, notes_path(package, version), Kind::tag), *notes);
    }
  }
  // Every row of it, as a block by name leaves them.
  void add_blocked(const std::string& package, const std::string& version) {
    for (const std::string& path :
         {version_path(package, version), version_path(package, "latest"), notes_path(package, version),
          tarball_path(package, usual_tarball_name(package, version))}) {
      add(row(package, version, path, Kind::withheld), "bytes of " + path, "blocked on this side: bad");
    }
  }
  void add_tag(const std::string& package, const std::string& tag, const std::string& version) {
    add(row(package, version, version_path(package, tag), Kind::tag),
        carried_version({{"name", package}, {"version", version}}, usual_tarball_name(package, version)));
  }
};

std::string header(const std::string& response, std::string_view name) {
  const std::string lower = base::to_lower(response.substr(0, response.find("\r\n\r\n")));
  const std::size_t at = lower.find("\r\n" + base::to_lower(name) + ": ");
  return at == std::string::npos
             ? ""
             : response.substr(at + 4 + name.size(), response.find("\r\n", at + 2) - at - 4 - name.size());
}

}  // namespace

TEST_CASE("both forms of a document name only what is here, and only this mirror", "[ecosystem][npm][endpoints]") {
  Home home;
  home.add_version("@s/a", "1.0.0", {{"scripts", {{"postinstall", "x"}}}, {"bin", "a.js"}, {"deprecated", "old"}},
                   Kind::file, "2020-01-01T00:00:00.000Z");
  home.add_version("@s/a", "1.1.0", {{"os", {"darwin"}}}, Kind::known, "2021-01-01T00:00:00.000Z");
  home.add_tag("@s/a", "latest", "1.0.0");
  home.add_tag("@s/a", "next", "9.0.0");  // not here
  home.add_version("@s/ab", "3.0.0");
  home.activate();
  MirrorServer server(home, descriptor());
  for (const char* path : {"/npm/@s%2fa", "/npm/@s%2Fa", "/npm/%40s%2fa", "/npm/@s/a"}) {
    INFO(path);
    const std::string response = server.raw("GET", path);
    CHECK(header(response, "Content-Type") == "application/json");
    const Json full = base::parse_json(http::body_of_response(response), "full");
    CHECK(full["name"] == "@s/a");
    CHECK(full["_id"] == "@s/a");
    CHECK(full["dist-tags"] == Json{{"latest", "1.0.0"}});
    CHECK(full["versions"].size() == 2);
    CHECK(full["versions"]["1.0.0"]["scripts"]["postinstall"] == "x");
    CHECK(full["versions"]["1.0.0"]["deprecated"] == "old");
    CHECK(full["versions"]["1.0.0"]["dist"]["tarball"] == "http://mirror.example/npm/@s/a/-/a-1.0.0.tgz");
    CHECK(full["versions"]["1.1.0"]["os"] == Json{"darwin"});
    CHECK(full["time"]["1.0.0"] == "2020-01-01T00:00:00.000Z");
    CHECK(full["time"]["modified"] == "2021-01-01T00:00:00.000Z");
  }
  const std::string response = server.raw("GET", "/npm/@s%2fa", k_accept_abbreviated);
  CHECK(header(response, "Content-Type") == "application/vnd.npm.install-v1+json");
  CHECK(header(response, "Vary") == "Accept");
  const Json abbreviated = base::parse_json(http::body_of_response(response), "abbreviated");
  CHECK(abbreviated["modified"] == "2021-01-01T00:00:00.000Z");
  CHECK(abbreviated["versions"]["1.0.0"]["hasInstallScript"] == true);
  CHECK_FALSE(abbreviated["versions"]["1.0.0"].contains("scripts"));
  // The same again, and nothing when it is known already.
  CHECK(server.raw("GET", "/npm/@s%2fa", k_accept_abbreviated).substr(0, 12) == "HTTP/1.1 200");
  const std::string tag = header(response, "ETag");
  CHECK_FALSE(tag.empty());
  CHECK(http::status_of_response(server.raw(
            "GET", "/npm/@s%2fa", std::string(k_accept_abbreviated) + "If-None-Match: " + tag + "\r\n")) == 304);
  const std::string head = server.raw("HEAD", "/npm/@s%2fa", k_accept_abbreviated);
  CHECK(header(head, "Content-Length") == header(response, "Content-Length"));
  CHECK(home.missing().empty());
}

TEST_CASE("versions, tags and tarballs by their own addresses", "[ecosystem][npm][endpoints]") {
  Home home;
  home.add_version("a", "1.0.0");
  home.add_version("a", "2.0.0-rc.1");
  home.add_version("@s/b", "1.0.0");
  home.add_version("mac", "1.0.0", {{"os", {"darwin"}}}, Kind::known);
  home.activate();
  MirrorServer server(home, descriptor());
  const auto version = [&](const std::string& path) {
    return base::parse_json(server.body(path), path).value("version", "");
  };
  CHECK(version("/npm/a/1.0.0") == "1.0.0");
  CHECK(version("/npm/a/latest") == "1.0.0");  // upstream's own is not here: the highest release
  CHECK(version("/npm/@s%2fb/latest") == "1.0.0");
  CHECK(version("/npm/@s/b/1.0.0") == "1.0.0");
  CHECK(server.body("/npm/a/-/a-1.0.0.tgz") == "bytes of 1.0.0");
  CHECK(server.body("/npm/@s/b/-/b-1.0.0.tgz") == "bytes of 1.0.0");
  CHECK(server.body("/npm/@s%2fb/-/b-1.0.0.tgz") == "bytes of 1.0.0");
  CHECK(header(server.raw("GET", "/npm/a/-/a-1.0.0.tgz"), "Content-Type") == "application/octet-stream");
  CHECK(server.body("/npm/-/package/a/dist-tags") == R"({"latest":"1.0.0"})");
  CHECK(server.body("/npm/-/package/@s%2fb/dist-tags") == R"({"latest":"1.0.0"})");
  CHECK(server.body("/npm/-/package/@s/b/dist-tags") == R"({"latest":"1.0.0"})");
  CHECK(server.body("/npm/-/ping") == "{}");
  CHECK(server.status("GET", "/npm/-/whoami") == 200);
  const Json found = base::parse_json(server.body("/npm/-/v1/search?text=A&size=5"), "search");
  CHECK(found["total"] == 2);  // a and mac
  CHECK(found["objects"][0]["package"]["name"] == "a");
  CHECK(home.missing().empty());
}

TEST_CASE("what is not here is said, and told as a name that can be carried", "[ecosystem][npm][endpoints]") {
  Home home;
  home.add_version("a", "1.0.0");
  home.add_version("mac", "1.0.0", {{"os", {"darwin"}}}, Kind::known);
  home.activate();
  MirrorServer server(home, descriptor());
  for (const char* path : {"/npm/none", "/npm/@s%2fnone", "/npm/a/2.0.0", "/npm/a/next", "/npm/a/-/a-3.0.0.tgz",
                           "/npm/@s/b/-/b-1.0.0.tgz", "/npm/mac/-/mac-1.0.0.tgz", "/npm/-/package/gone/dist-tags"}) {
    INFO(path);
    const std::string response = server.raw("GET", path);
    CHECK(http::status_of_response(response) == 404);
    CHECK_FALSE(base::parse_json(http::body_of_response(response), path)["error"].get<std::string>().empty());
  }
  std::vector<std::string> names;
  for (const auto& [ecosystem, name] : home.missing()) {
    CHECK(ecosystem == "npm");
    names.push_back(name);
    CHECK(descriptor().wanted(name).request);
  }
  CHECK(names ==
        std::vector<std::string>{"none", "@s/none", "a@2.0.0", "a@next", "a@3.0.0", "@s/b@1.0.0", "mac@1.0.0", "gone"});
}

TEST_CASE("a package of which all is blocked is refused with the reason, and is no miss",
          "[ecosystem][npm][endpoints]") {
  Home home;
  home.add_blocked("gone", "1.0.0");
  home.add_blocked("half", "1.0.0");
  home.add_version("half", "1.1.0");
  home.activate();
  MirrorServer server(home, descriptor());
  const auto error = [&](const std::string& path) {
    INFO(path);
    const std::string response = server.raw("GET", path);
    CHECK(http::status_of_response(response) == 403);
    return base::parse_json(http::body_of_response(response), path)["error"].get<std::string>();
  };
  CHECK(error("/npm/gone") == "gone is blocked on this side: bad");
  CHECK(error("/npm/-/package/gone/dist-tags") == "gone is blocked on this side: bad");
  CHECK(error("/npm/gone/1.0.0") == "gone 1.0.0 is blocked on this side: bad");
  CHECK(error("/npm/gone/latest") == "gone latest is blocked on this side: bad");
  CHECK(error("/npm/gone/-/gone-1.0.0.tgz") == "gone-1.0.0.tgz is blocked on this side: bad");
  CHECK(error("/npm/half/1.0.0") == "half 1.0.0 is blocked on this side: bad");
  const Json half = base::parse_json(server.body("/npm/half"), "half");
  CHECK(half["versions"].size() == 1);
  CHECK(half["dist-tags"] == Json{{"latest", "1.1.0"}});
  CHECK(home.missing().empty());
  CHECK(server.status("GET", "/npm/gone/1.0.1") == 404);  // what is not here may be what mends it
  CHECK(home.missing().size() == 1);
}

TEST_CASE("hostile names reach nobody", "[ecosystem][npm][endpoints]") {
  Home home;
  home.activate();
  MirrorServer server(home, descriptor());
  for (const char* path : {"/npm/@s%2f..%2fa", "/npm/.hidden", "/npm/a/-/..tgz", "/npm/a/-/.tgz", "/npm/a/%5e1",
                           "/npm/a%20b", "/npm/@/b", "/npm/-/package/.x/dist-tags"}) {
    INFO(path);
    const int status = server.status("GET", path);
    CHECK((status == 400 || status == 404));
  }
  CHECK(home.missing().empty());
}

TEST_CASE("an audit is not answered with an empty all-clear, and nothing is written", "[ecosystem][npm][endpoints]") {
  Home home;
  home.activate();
  MirrorServer server(home, descriptor());
  CHECK(server.status("POST", "/npm/-/npm/v1/security/advisories/bulk") == 404);
  CHECK(server.status("POST", "/npm/-/npm/v1/security/audits/quick") == 404);
  CHECK(server.status("GET", "/npm/-/npm/v1/keys") == 404);
  CHECK(server.status("PUT", "/npm/a") == 405);
  CHECK(server.status("PUT", "/npm/@s%2fa") == 405);
}

TEST_CASE("the client's settings close what npm, pnpm, yarn and corepack would ask outside",
          "[ecosystem][npm][client]") {
  const ClientConfig config = client_config(
      {.mirror = base::Url::parse("https://mirror.example:8443"), .ca_file = "/etc/ca.pem", .folder = "/job/config"});
  CHECK(config.environment.at("NPM_CONFIG_USERCONFIG") == "/job/config/npm/npmrc");
  CHECK(config.environment.at("npm_config_registry") == "https://mirror.example:8443/npm/");
  CHECK(config.environment.at("YARN_NPM_REGISTRY_SERVER") == "https://mirror.example:8443/npm");
  CHECK(config.environment.at("COREPACK_NPM_REGISTRY") == "https://mirror.example:8443/npm");
  CHECK(config.environment.at("NODE_EXTRA_CA_CERTS") == "/etc/ca.pem");
  CHECK_FALSE(config.environment.contains("YARN_UNSAFE_HTTP_WHITELIST"));
  REQUIRE(config.files.size() == 1);
  CHECK(config.files[0].name == "npmrc");
  for (const char* line : {"registry=https://mirror.example:8443/npm/\n", "replace-registry-host=always\n",
                           "audit=false\n", "fund=false\n", "update-notifier=false\n", "cafile=/etc/ca.pem\n"}) {
    INFO(line);
    CHECK(config.files[0].content.find(line) != std::string::npos);
  }
  const ClientConfig plain =
      client_config({.mirror = base::Url::parse("http://mirror.example:8480"), .ca_file = {}, .folder = {}});
  CHECK(plain.environment.at("YARN_UNSAFE_HTTP_WHITELIST") == "mirror.example");
  CHECK_FALSE(plain.environment.contains("NPM_CONFIG_USERCONFIG"));
}

}  // namespace airlock::ecosystem::npm
