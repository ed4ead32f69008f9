// The small texts that administrators write: policies, durations, destinations; and what is made for them.
#include "base/duration.hpp"
#include "far_fixture.hpp"

#include <fmt/format.h>

#include "workflow/artifact_changes.hpp"
#include "workflow/import_watch.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/policy.hpp"
#include "workflow/push.hpp"
#include "workflow/reference_time.hpp"
#include "workflow/wants_list.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

TEST_CASE("durations") {
  CHECK(base::parse_duration("90").count() == 90);
  CHECK(base::parse_duration("36h").count() == 36 * 3600);
  CHECK(base::parse_duration("5w").count() == 35 * 86400);
  for (const auto* bad : {"", "h", "-1d", "1.5d", "10x", "99999999999999999999d", "9223372036854775807d"}) {
    INFO(bad);
    CHECK(code_of([&] { return base::parse_duration(bad); }) == ErrorCode::usage);
  }
}

TEST_CASE("a policy is read whole, and mistakes have a place and a suggestion") {
  const auto policy = workflow::parse_policy("minimum_threshold: { root: 2, snapshot: 2 }\n"
                                             "schemes: [ed25519]\n"
                                             "longest_lifetime: { timestamp: 90d }\n"
                                             "namespaces: { site-a: [oci, tool] }\n"
                                             "largest_version_jump: 5000\n"
                                             "clock_tolerance: 1h\n",
                                             "policy.yaml");
  CHECK(policy.trust.minimum_threshold.at("root") == 2);
  CHECK(policy.trust.schemes == std::vector{trust::Scheme::ed25519});
  CHECK(policy.trust.longest_lifetime.at("timestamp") == std::chrono::days(90));
  CHECK(policy.namespaces.at("site-a").rules().size() == 2);
  CHECK(policy.trust.largest_version_jump == 5000);
  CHECK(policy.clock_tolerance == std::chrono::hours(1));

  const auto error = error_of([] { return workflow::parse_policy("a: 1\n", "policy.yaml"); });
  CHECK(error.code() == ErrorCode::config);
  CHECK(error.position()->line == 1);
  CHECK(error_of([] { return workflow::parse_policy("\nschems: [ed25519]\n", "p"); }).hint().find("schemes") !=
        std::string::npos);
  for (const auto* bad : {"schemes: [md5]", "clock_tolerance: soon", "minimum_threshold: 2", "- a", "namespaces: [a]",
                          "minimum_threshold: { root: many }", "largest_version_jump: far", "schemes: [ed25519",
                          "clock_tolerance: { a: 1 }"}) {
    INFO(bad);
    CHECK(code_of([&] { return workflow::parse_policy(bad, "p"); }) == ErrorCode::config);
  }
}

TEST_CASE("a policy that asks for two approvals refuses a bundle that one person approved") {
  const ProducerKeys keys;
  Site site(&keys);
  base::write_file_atomic(site.home.config / "policy.yaml", "minimum_threshold: { snapshot: 2 }\n");
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  CHECK(code_of([&] { return site.import({bundle.head}); }) == ErrorCode::untrusted);
}

TEST_CASE("a policy that gives a channel other ecosystems refuses the rest") {
  const ProducerKeys keys;
  Site site(&keys);
  base::write_file_atomic(site.home.config / "policy.yaml", "namespaces: { site-a: [tool] }\n");
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  CHECK(base::error_code_info(code_of([&] { return site.import({bundle.head}); })).exit_code == 3);
}

TEST_CASE("the reference time never goes back") {
  const auto now = bundle_time(100);
  const std::chrono::hours day{24};
  CHECK(workflow::reference_time(now, {}, day) == now);
  CHECK(workflow::reference_time(now, {.floor = now + std::chrono::hours(5), .last_wall = {}}, day) ==
        now + std::chrono::hours(5));
  CHECK(code_of([&] {
          return workflow::reference_time(now, {.floor = now + std::chrono::days(2), .last_wall = {}}, day);
        }) == ErrorCode::clock);
  CHECK(code_of([&] {
          return workflow::reference_time(now, {.floor = now, .last_wall = now + std::chrono::days(2)}, day);
        }) == ErrorCode::clock);
  // A clock that was once in the next century counts 400 days beyond the floor at most.
  CHECK(workflow::reference_time(now + std::chrono::days(400),
                                 {.floor = now, .last_wall = now + std::chrono::days(9000)},
                                 day) == now + std::chrono::days(400));
}

TEST_CASE("a root is pinned once, and never replaced") {
  ProducerKeys keys;
  Site site;
  const auto pinned = workflow::pin_root(site.home, keys.first_root(), {});
  CHECK(fs::exists(pinned.file));
  CHECK(pinned.file.filename().string() == pinned.producer() + ".json");
  CHECK(code_of([&] { return workflow::pin_root(site.home, keys.first_root(), {}); }) == ErrorCode::conflict);
  keys.rotate("snapshot");
  CHECK(code_of([&] { return workflow::pin_root(site.home, keys.newest_root(), {}); }) == ErrorCode::conflict);
  const ProducerKeys other;
  workflow::pin_root(site.home, other.first_root(), {});
  CHECK(workflow::read_pinned_roots(site.home).size() == 2);
  CHECK_THROWS_AS(workflow::pin_root(site.home, "{}", {}), base::Error);
}

TEST_CASE("a site that pins a later root takes what follows from it") {
  ProducerKeys keys;
  keys.rotate("snapshot");
  Site site;
  workflow::pin_root(site.home, keys.newest_root(), {});
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  site.import({bundle.head});
  CHECK(site.served("file", "docs/guide.txt") == "read me\n");
}

TEST_CASE("destinations are read from a file or given in short") {
  const auto one = workflow::read_destinations("oci=https://registry.site.example/mirror");
  REQUIRE(one.size() == 1);
  CHECK(one.front().url.to_string() == "https://registry.site.example/mirror");
  const auto list =
      workflow::parse_destinations("oci:\n"
                                   "  - { url: 'https://one.site.example', username: a, password_env: PW }\n"
                                   "  - https://two.site.example\n",
                                   "/etc/airlock/d.yaml");
  REQUIRE(list.size() == 2);
  CHECK(list.front().password_env == "PW");
  CHECK(list.back().url.host() == "two.site.example");
  CHECK(workflow::parse_destinations("oci: { url: 'https://x.example', ca_file: ca.pem }", "/etc/airlock/d.yaml")
            .front()
            .ca_file == "/etc/airlock/ca.pem");
  CHECK(code_of([] { return workflow::read_destinations("occi=https://x.example"); }) == ErrorCode::usage);
  CHECK(code_of([] { return workflow::read_destinations("/absent/file.yaml"); }) == ErrorCode::not_found);
  CHECK(code_of([] { return workflow::read_destinations("oci=https://user:pw@x.example"); }) == ErrorCode::usage);
  const auto error =
      error_of([] { return workflow::parse_destinations("oci: { url: 'https://x.example', pasword: x }", "d"); });
  CHECK(error.code() == ErrorCode::config);
  CHECK(error.position()->line == 1);
  for (const auto* bad : {"[]", "oci: {}", "oxi: https://x.example", "oci: { url: [] }"}) {
    INFO(bad);
    CHECK(code_of([&] { return workflow::parse_destinations(bad, "d"); }) == ErrorCode::config);
  }
}

TEST_CASE("a missing variable and an empty store stop a push before anything is sent") {
  const ProducerKeys keys;
  Site site(&keys);
  workflow::PushOptions options;
  options.home = site.home;
  options.destinations = workflow::parse_destinations("oci: { url: 'https://x.example', password_env: NOT_SET }", "d");
  options.environment = [](const char*) -> const char* { return nullptr; };
  CHECK(code_of([&] { return workflow::push_catalog(options, site.reporter); }) == ErrorCode::not_found);
  Medium medium;
  site.import({make_bundle(medium.path(), sample_files(), keys).head});
  CHECK(code_of([&] { return workflow::push_catalog(options, site.reporter); }) == ErrorCode::config);
  options.only = {"tool"};
  CHECK(workflow::push_catalog(options, site.reporter).empty());
}

TEST_CASE("wants become a manifest; names of the inside stay inside") {
  const std::vector<workflow::MissedName> missed = {{"oci", "docker.io/library/debian:12", 3},
                                                    {"oci", "registry.corp/team/secret:1", 1},
                                                    {"oci", "registry.example_5000/x:1", 1},
                                                    {"tool", "opentofu/1.12.6/tofu.zip", 2},
                                                    {"tool", "opentofu/1.12.6/tofu_arm.zip", 1},
                                                    {"file", "docs/x.pdf", 1},
                                                    {"unheard", "x", 1}};
  const auto list = workflow::list_wants(missed, workflow::WantsScope::public_only);
  CHECK(list.manifest.find("docker.io/library/debian:12") != std::string::npos);
  CHECK(list.manifest.find("secret") == std::string::npos);
  CHECK(list.kept_back.size() == 2);
  CHECK(list.unknown.size() == 2);
  CHECK(list.manifest.find(R"({ name: "opentofu", version: "1.12.6" })") != std::string::npos);
  CHECK(list.manifest.find("tofu_arm") == std::string::npos);
  CHECK(workflow::list_wants(missed, workflow::WantsScope::all).kept_back.empty());
}

TEST_CASE("the other side takes what every ecosystem lists as wanted") {
  const std::vector<workflow::MissedName> missed = {
      {"oci", "docker.io/library/debian:12", 1},
      {"npm", "left-pad@1.3.0", 1},
      {"pypi", "six==1.16.0", 1},
      {"go", "github.com/google/uuid@v1.6.0", 1},
      {"pulumi", "plugins/pulumi-resource-demo-v1.0.0-linux-amd64.tar.gz", 1},
      {"terraform", "registry.opentofu.org/hashicorp/random", 1},
      {"tool", "opentofu/1.12.6/tofu.zip", 1}};
  const auto list = workflow::list_wants(missed, workflow::WantsScope::public_only);
  CHECK(list.listed.size() == missed.size());
  const base::TempDir folder;
  base::write_file_atomic(folder.path() / "m.yaml", "name: a\n");
  base::write_file_atomic(folder.path() / "wants.yaml", list.manifest);
  const auto manifest =
      model::read_manifests({folder.path() / "m.yaml"}, {folder.path() / "wants.yaml"}, ecosystem::all_sections(), {});
  CHECK(manifest.entries.size() == missed.size());
}

TEST_CASE("changes are told in artifacts and versions") {
  workflow::ArtifactList before;
  workflow::ArtifactList after;
  const auto row = [](const char* purl) {
    model::FileRow made;
    made.artifact = purl;
    made.sha256 = base::sha256(purl);
    return made;
  };
  before.add(row("pkg:npm/left-pad@1.3.0"));
  before.add(row("pkg:npm/gone@1.0.0"));
  before.add(row("pkg:npm/same@1.0.0"));
  after.add(row("pkg:npm/left-pad@1.4.0"));
  after.add(row("pkg:npm/new@2.0.0"));
  after.add(row("pkg:npm/same@1.0.0"));
  const auto changes = workflow::compare(before, after);
  REQUIRE(changes.changed.size() == 1);
  CHECK(changes.changed.front().name == "pkg:npm/left-pad");
  CHECK(changes.changed.front().before == std::vector<std::string>{"1.3.0"});
  CHECK(changes.changed.front().after == std::vector<std::string>{"1.4.0"});
  REQUIRE(changes.added.size() == 1);
  REQUIRE(changes.removed.size() == 1);
  CHECK(changes.kept == 1);
}

TEST_CASE("a watched folder is taken as it becomes complete, and refused things are said once") {
  const ProducerKeys keys;
  const ProducerKeys stranger;
  Site site(&keys);
  Medium folder;
  Medium elsewhere;
  const auto bundle = make_bundle(folder.path(), big_files(12, 20'000), keys, {.volume_size = 80'000});
  make_bundle(folder.path(), {text_file("x", "y")}, stranger, {.channel = "site-z"});
  fs::rename(bundle.volumes[1], elsewhere.path() / "v");
  workflow::FolderWatch watch(folder.path(), site.options({}));
  CHECK(watch.look(site.clock, site.reporter) == 0);  // may still be growing
  CHECK(watch.look(site.clock, site.reporter) == 0);  // a volume is missing
  CHECK(watch.look(site.clock, site.reporter) == 0);
  CHECK(site.reporter.warnings().size() == 1);  // the stranger's, once
  fs::rename(elsewhere.path() / "v", bundle.volumes[1]);
  CHECK(watch.look(site.clock, site.reporter) == 0);  // may still be growing
  CHECK(watch.look(site.clock, site.reporter) == 1);
  CHECK(watch.look(site.clock, site.reporter) == 0);
  CHECK(site.generations().size() == 1);
}

TEST_CASE("what a watched folder could not take is tried again when it was mended, and not at every look") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium folder;
  make_bundle(folder.path(), {text_file("x", "y")}, keys);
  const fs::path scanner = site.folder.path() / "scanner";
  const fs::path runs = site.folder.path() / "runs";
  const auto install = [&](const std::string& rest) {
    base::write_file_atomic(scanner, fmt::format("#!/bin/sh\necho >>{}\n{}\n", runs.string(), rest), 0755);
  };
  install("exit 7");
  base::write_file_atomic(site.home.config / "policy.yaml",
                          fmt::format("scan: {{ command: [\"{}\"] }}\n", scanner.string()));
  workflow::FolderWatch watch(folder.path(), site.options({}));
  const auto look = [&] { return watch.look(site.clock, site.reporter); };
  for (int i = 0; i < 4; ++i) {
    CHECK(look() == 0);
  }
  const auto once = text_of(runs).size();
  CHECK(once > 0);
  CHECK(site.reporter.warnings().size() == 1);
  CHECK(look() == 0);
  CHECK(text_of(runs).size() == once);  // not again at every look
  install("exit 0");
  CHECK(look() == 0);
  site.clock.set(site.clock.now() + std::chrono::minutes(2));
  CHECK(look() == 1);
}
