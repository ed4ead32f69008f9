// What holds for every ecosystem in the table. Adding one needs no change here.
#include <filesystem>
#include <set>

#include "base/json.hpp"
#include "base/text.hpp"
#include "ecosystem/ecosystem.hpp"
#include "ecosystem/upstream_access.hpp"
#include "mirror_fixture.hpp"
#include "model/manifest.hpp"
#include "support/recording_reporter.hpp"

namespace airlock::ecosystem {

namespace fs = std::filesystem;

namespace {

const fs::path k_source = AIRLOCK_SOURCE;

// A plausible request for a pattern: "GET /files/{path+}" asks for something that is nowhere.
std::string target_for(const std::string& pattern) {
  std::vector<std::string> segments = base::split(pattern, '/');
  for (std::string& segment : segments) {
    if (!segment.starts_with('{')) {
      continue;
    }
    if (segment.find("digest") != std::string::npos) {
      segment = "sha256:" + std::string(64, '0');
    } else {
      segment = segment.ends_with("+}") ? "host.example/some/name" : "some-name";
    }
  }
  return base::join(segments, "/");
}

std::vector<std::pair<std::string, std::string>> routes_of(const Ecosystem& ecosystem) {
  MirrorHome home;
  http::Router router;
  ecosystem.mount(router, home.context());
  std::vector<std::pair<std::string, std::string>> routes;
  for (const std::string& line : router.patterns()) {
    const std::size_t space = line.find(' ');
    routes.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return routes;
}

}  // namespace

TEST_CASE("ids are unique, sorted, and name a folder and a page of documentation", "[ecosystem][contract]") {
  std::vector<std::string> ids;
  for (const Ecosystem* ecosystem : all_ecosystems()) {
    INFO(ecosystem->id);
    ids.push_back(ecosystem->id);
    CHECK(fs::is_directory(k_source / "src/ecosystem" / ecosystem->id));
    CHECK(fs::is_regular_file(k_source / "docs/ecosystems" / (ecosystem->id + ".md")));
    CHECK(find_ecosystem(ecosystem->id) == ecosystem);
  }
  for (const Ecosystem* ecosystem : all_ecosystems()) {
    CHECK(static_cast<bool>(ecosystem->belongs));  // without it anything could fill its paths
  }
  CHECK(std::is_sorted(ids.begin(), ids.end()));
  CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == ids.size());
  CHECK(find_ecosystem("no such") == nullptr);
}

TEST_CASE("sections are well formed and belong to one ecosystem", "[ecosystem][contract]") {
  std::set<std::string> keys;
  for (const model::SectionSchema& section : all_sections()) {
    INFO(section.key);
    CHECK(keys.insert(section.key).second);
    CHECK(find_ecosystem(section.ecosystem) != nullptr);
    CHECK_FALSE(section.help.empty());
    std::set<std::string> fields;
    for (const model::Field& field : section.fields) {
      INFO(field.name);
      CHECK(fields.insert(field.name).second);
      CHECK(field.help.ends_with('.'));
    }
    CHECK((section.shorthand.empty() || fields.contains(section.shorthand)));
    for (const auto& choice : section.one_of) {
      for (const std::string& name : choice) {
        CHECK(fields.contains(name));
      }
    }
  }
}

TEST_CASE("URL prefixes are plain and do not overlap", "[ecosystem][contract]") {
  for (const Ecosystem* one : all_ecosystems()) {
    INFO(one->id);
    CHECK(one->url_prefix.starts_with('/'));
    CHECK(one->url_prefix.ends_with('/'));
    for (const Ecosystem* other : all_ecosystems()) {
      CHECK((one == other || !one->url_prefix.starts_with(other->url_prefix)));
    }
    if (one->mount) {
      for (const auto& [method, pattern] : routes_of(*one)) {
        INFO(pattern);
        CHECK((pattern + "/").starts_with(one->url_prefix));
      }
    }
  }
}

TEST_CASE("on an empty home every route answers without an error of this side", "[ecosystem][contract]") {
  for (const Ecosystem* ecosystem : all_ecosystems()) {
    if (!ecosystem->mount) {
      continue;
    }
    MirrorHome home;
    const bool activated = GENERATE(false, true);
    if (activated) {
      home.activate();
    }
    MirrorServer server(home, *ecosystem);
    for (const auto& [method, pattern] : routes_of(*ecosystem)) {
      INFO(method << " " << pattern);
      const std::string response = server.raw(method, target_for(pattern));
      const int status = http::status_of_response(response);
      CHECK(status >= 200);
      CHECK(status < 500);
      if (method == "GET" && pattern.find('{') != std::string::npos && status != 404) {
        // Some protocols answer an unknown name with an empty list.
        CHECK(status == 200);
        CHECK(base::parse_json(http::body_of_response(response), "answer").is_object());
      }
    }
  }
}

TEST_CASE("hostile segments reach no handler", "[ecosystem][contract]") {
  const std::string hostile = GENERATE(as<std::string>{}, "..", ".", "%2e%2e", "%2E%2e/x", "a/../../b", "a//b", "%00",
                                       "a%00b", "a%5cb", "..%2f..%2fetc", "%c0%ae%c0%ae", "a%zz");
  for (const Ecosystem* ecosystem : all_ecosystems()) {
    if (!ecosystem->mount) {
      continue;
    }
    MirrorHome home;
    home.activate();
    MirrorServer server(home, *ecosystem);
    INFO(ecosystem->url_prefix << hostile);
    const int status = server.status("GET", ecosystem->url_prefix + hostile);
    CHECK((status == 400 || status == 404));
    for (const auto& [id, name] : home.missing()) {
      INFO(name);
      CHECK(name.find("..") == std::string::npos);
      CHECK(name.find('\0') == std::string::npos);
    }
  }
}

TEST_CASE("client configuration names the mirror and no other host", "[ecosystem][contract]") {
  const std::string mirror = "https://mirror.site.example:8443";
  for (const Ecosystem* ecosystem : all_ecosystems()) {
    if (!ecosystem->client_config) {
      continue;
    }
    INFO(ecosystem->id);
    const ClientConfig config = ecosystem->client_config({.mirror = base::Url::parse(mirror), .ca_file = {}});
    std::string all;
    for (const auto& [name, value] : config.environment) {
      all += name + "=" + value + "\n";
    }
    for (const ClientConfigFile& file : config.files) {
      CHECK_FALSE(fs::path(file.name).is_absolute());
      CHECK(fs::path(file.install_as).is_absolute());
      all += file.content + "\n";
    }
    all += base::join(config.notes, "\n");
    CHECK(all.find("mirror.site.example:8443") != std::string::npos);
    std::size_t at = 0;
    while ((at = all.find("://", at)) != std::string::npos) {
      at += 3;
      INFO(all.substr(at, 60));
      CHECK(all.substr(at).starts_with("mirror.site.example:8443"));
    }
  }
}

TEST_CASE("a resolver can be made without a network, and asks nothing before it has an entry",
          "[ecosystem][contract]") {
  const model::Manifest manifest = model::parse_manifest("name: a\n", "m.yaml", all_sections());
  http::Client client(client_options(manifest));
  test::RecordingReporter reporter;
  for (const Ecosystem* ecosystem : all_ecosystems()) {
    if (ecosystem->make_resolver) {
      const auto resolver = ecosystem->make_resolver(
          {.http = client, .manifest = manifest, .reporter = reporter, .recipes = {}, .environment = {}});
      CHECK(resolver->waivers().empty());
    }
  }
  CHECK(client.bytes_received() == 0);
  CHECK(reporter.warnings().empty());
}

TEST_CASE("the committed JSON Schema is that of the table", "[ecosystem][contract]") {
  const fs::path path = k_source / "manifests/manifest.schema.json";
  const std::string text = model::manifest_json_schema(all_sections());
  if (std::getenv("AIRLOCK_UPDATE_GOLDEN") != nullptr) {
    base::write_file_atomic(path, text);
    FAIL("rewritten; look at the change and run again without AIRLOCK_UPDATE_GOLDEN");
  }
  CHECK(base::read_file(path, 1 << 20) == text);
}

TEST_CASE("the ready manifests are read without a mistake", "[ecosystem][contract]") {
  std::size_t read = 0;
  for (const auto& file : fs::directory_iterator(k_source / "manifests")) {
    if (file.path().extension() == ".yaml") {
      INFO(file.path().string());
      const model::Manifest manifest = model::read_manifests({file.path()}, all_sections());
      CHECK_FALSE(manifest.entries.empty());
      ++read;
    }
  }
  CHECK(read > 0);
}

}  // namespace airlock::ecosystem
