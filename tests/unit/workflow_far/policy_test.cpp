// What the site's policy says stands above every root and every bundle: each rule with a bundle that breaks it, and the
// code that comes of it.
#include "far_fixture.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "store/catalog.hpp"
#include "trust/metadata.hpp"
#include "workflow/generations.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/policy.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

void set_policy(const Site& site, std::string_view text) {
  base::write_file_atomic(site.home.config / "policy.yaml", text);
}

// The import of one bundle under a policy.
struct Trial {
  ProducerKeys keys;
  Site site{&keys};
  Medium medium;
  MadeBundle bundle = make_bundle(medium.path(), sample_files(), keys);

  base::Error refusal(std::string_view policy) {
    set_policy(site, policy);
    auto error = error_of([&] { return site.import({bundle.head}); });
    CHECK(site.generations().empty());
    // Nothing was taken, either.
    CHECK_FALSE(fs::exists(site.home.blobs() / "sha256"));
    return error;
  }
};

int exit_code(const base::Error& error) {
  return base::error_code_info(error.code()).exit_code;
}

std::string origin_of(const workflow::SitePolicy& policy, std::string_view key) {
  for (const auto& value : policy.values) {
    if (value.key == key) {
      return value.origin;
    }
  }
  return "absent";
}

}  // namespace

TEST_CASE("every rule of a policy refuses the bundle that breaks it, before anything is written") {
  struct Rule {
    const char* policy;
    ErrorCode code;
    const char* says;
  };
  const Rule rules[] = {
      {"minimum_threshold: { root: 2 }", ErrorCode::untrusted, "root"},
      {"minimum_threshold: { snapshot: 2 }", ErrorCode::untrusted, "snapshot"},
      {"minimum_threshold: { targets: 2 }", ErrorCode::untrusted, "targets"},
      {"minimum_threshold: { timestamp: 2 }", ErrorCode::untrusted, "timestamp"},
      {"minimum_threshold: { delegated: 2 }", ErrorCode::untrusted, "needs 1 signatures"},
      {"minimum_threshold: { oci: 2 }", ErrorCode::untrusted, "oci"},
      {"schemes: [ecdsa-sha2-nistp256]", ErrorCode::untrusted, "ed25519"},
      {"longest_lifetime: { root: 1d }", ErrorCode::untrusted, "root"},
      {"longest_lifetime: { snapshot: 1d }", ErrorCode::untrusted, "snapshot"},
      {"longest_lifetime: { timestamp: 1d }", ErrorCode::untrusted, "timestamp"},
      {"longest_lifetime: { targets: 1d }", ErrorCode::untrusted, "targets"},
      {"longest_lifetime: { delegated: 1d }", ErrorCode::untrusted, "longer than"},
      {"namespaces: { site-a: [oci, tool, file] }", ErrorCode::foreign, "npm"},
      {"namespaces: { site-a: [] }", ErrorCode::foreign, "site-a"},
      {"namespaces: { site-b: [oci, tool, file, npm] }", ErrorCode::foreign, "may bring nothing"},
      {"namespaces: { site-a: [oci, tool, npm, 'file:manuals/**'] }", ErrorCode::foreign, "file:docs/guide.txt"},
      {"namespaces: { site-a: [oci, tool, npm, file, '!file:docs/**'] }", ErrorCode::foreign, "file:docs/guide.txt"},
      {"limits: { blob: 3 }", ErrorCode::policy, "larger than the 3 B"},
      {"limits: { bytes: 10 }", ErrorCode::policy, "state"},
      {"limits: { blobs: 1 }", ErrorCode::policy, "blobs"},
      {"limits: { files: 1 }", ErrorCode::policy, "files"},
      {"limits: { artifacts: 1 }", ErrorCode::policy, "artifacts"},
      {"limits: { roles: 1 }", ErrorCode::policy, "ecosystems"},
  };
  for (const auto& rule : rules) {
    CAPTURE(rule.policy);
    Trial trial;
    const auto error = trial.refusal(rule.policy);
    CHECK(error.code() == rule.code);
    CHECK(exit_code(error) == 3);
    CHECK((error.message() + error.hint()).find(rule.says) != std::string::npos);
  }
}

TEST_CASE("a policy that a bundle keeps to lets it in") {
  Trial trial;
  set_policy(trial.site, "minimum_threshold: { root: 1, snapshot: 1 }\n"
                         "schemes: [ed25519]\n"
                         "longest_lifetime: { root: 3000d, timestamp: 500d, snapshot: 500d, delegated: 500d }\n"
                         "namespaces: { site-a: [oci, tool, npm, 'file:docs/**'], '*': [] }\n"
                         "channels: [site-a]\n"
                         "limits: { blob: 1MiB, bytes: 1GiB, blobs: 1000, files: 1000, artifacts: 1000, roles: 4 }\n"
                         "clock_tolerance: 1h\n");
  CHECK(trial.site.import({trial.bundle.head}).bundles.size() == 1);
  CHECK(trial.site.verify(trial.bundle.head).ok());
}

TEST_CASE("verify finds what import would refuse") {
  Trial trial;
  set_policy(trial.site, "limits: { blobs: 1 }\n");
  CHECK(has_finding(trial.site.verify(trial.bundle.head), ErrorCode::policy, "blobs"));
  set_policy(trial.site, "namespaces: { site-a: ['file:x'] }\n");
  CHECK(has_finding(trial.site.verify(trial.bundle.head), ErrorCode::foreign, "site-a"));
}

TEST_CASE("a site raises its floors once a rotation has met them") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  keys.add_approver(2);  // root 2: two of two
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  const bool known_before = GENERATE(true, false);
  if (known_before) {
    site.import({bundle.head});
  }
  set_policy(site, "minimum_threshold: { snapshot: 2 }\n");
  CHECK(site.verify(bundle.head).ok());
  CHECK(site.import({bundle.head}).bundles.size() == 1);
  CHECK(site.served("file", "docs/guide.txt") == "read me\n");
  // A later root of the same chain is no other producer.
  CHECK(code_of([&] { return workflow::pin_root(site.home, keys.newest_root(), {}); }) == ErrorCode::conflict);
}

TEST_CASE("what the newest root lacks is said with what helps, and no weaker root is pinned") {
  Trial trial;
  const auto error = trial.refusal("minimum_threshold: { snapshot: 2 }");
  CHECK(error.hint().find("newer root") != std::string::npos);
  REQUIRE_FALSE(error.context().empty());
  CHECK(error.context().front().find("version 1") != std::string::npos);
  const auto policy = workflow::load_policy(trial.site.home).trust;
  const ProducerKeys other;
  const auto weak = error_of([&] { return workflow::pin_root(trial.site.home, other.first_root(), policy); });
  CHECK(weak.code() == ErrorCode::untrusted);
  CHECK(weak.hint().find("pin a newer root") != std::string::npos);
}

TEST_CASE("a version that leaps further than the policy allows is refused") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  const auto third = make_bundle(medium.path(), {text_file("a.txt", "3")}, keys,
                                 {.serial = 9, .created = bundle_time(1), .previous = first.contents});
  site.import({first.head});
  site.clock.set(bundle_time(2));
  set_policy(site, "largest_version_jump: 0\n");
  CHECK(code_of([&] { return site.import({third.head}); }) == ErrorCode::untrusted);
  set_policy(site, "largest_version_jump: 100000\n");
  CHECK(site.import({third.head}).bundles.size() == 1);
}

TEST_CASE("a clock that is further off than the policy tolerates is refused") {
  Trial trial;
  trial.site.clock.set(bundle_time() - std::chrono::hours(2));
  set_policy(trial.site, "clock_tolerance: 1h\n");
  CHECK(code_of([&] { return trial.site.import({trial.bundle.head}); }) == ErrorCode::clock);
  set_policy(trial.site, "clock_tolerance: 3h\n");
  CHECK(trial.site.import({trial.bundle.head}).bundles.size() == 1);
}

TEST_CASE("a channel of another producer does not get what the name alone was given") {
  const ProducerKeys ours;
  const ProducerKeys theirs;
  Site site(&ours);
  workflow::pin_root(site.home, theirs.first_root(), {});
  const auto producer = trust::identity(trust::parse_signed(ours.first_root(), "root", trust::k_root_limit)).hex();
  set_policy(site, "namespaces: { '" + producer + "/site-a': [file], '*': [oci] }\n");
  Medium good;
  Medium bad;
  CHECK(site.import({make_bundle(good.path(), {text_file("a.txt", "1")}, ours).head}).bundles.size() == 1);
  const auto impostor = make_bundle(bad.path(), {text_file("b.txt", "1")}, theirs);
  CHECK(code_of([&] { return site.import({impostor.head}); }) == ErrorCode::foreign);
}

TEST_CASE("of a name that two channels have, the policy's order decides which is served, and import says so") {
  const ProducerKeys keys;
  const auto tagged = [](const std::string& content) {
    auto file = sample_files().front();
    REQUIRE(file.ecosystem == "oci");
    BundleFile tag = file;
    tag.path = "registry.example/team/app:1";
    tag.kind = model::Kind::tag;
    tag.content = content;
    file.path = "registry.example/team/app@" + base::sha256(content).to_string();
    file.content = content;
    file.kind = model::Kind::file;
    file.artifact = tag.artifact =
        "pkg:oci/app@" + base::sha256(content).to_string() + "?repository_url=registry.example/team/app&tag=1";
    return std::vector<BundleFile>{file, tag};
  };
  const std::string one = R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","n":1})";
  const std::string two = R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","n":2})";
  const auto run = [&](std::string_view policy) {
    Site site(&keys);
    if (!policy.empty()) {
      set_policy(site, policy);
    }
    Medium first;
    Medium second;
    site.import({make_bundle(first.path(), tagged(one), keys, {.channel = "base"}).head});
    const auto report = site.import({make_bundle(second.path(), tagged(two), keys, {.channel = "team"}).head});
    REQUIRE(report.bundles.front().shared_names.size() == 1);
    const auto& shared = report.bundles.front().shared_names.front();
    CHECK(shared.path == "registry.example/team/app:1");
    const auto served = site.served("oci", "registry.example/team/app:1").value();
    CHECK(base::sha256(served) == *shared.served);
    // Both stay reachable by digest.
    CHECK(site.served("oci", "registry.example/team/app@" + base::sha256(one).to_string()) == one);
    CHECK(site.served("oci", "registry.example/team/app@" + base::sha256(two).to_string()) == two);
    // The same catalog comes of an activation.
    workflow::activate_generation(site.home, 1, site.clock);
    CHECK(site.served("oci", "registry.example/team/app:1") == served);
    return std::pair(served, shared.served_from);
  };
  CHECK(run("") == std::pair(two, std::string("team")));
  CHECK(run("channels: [base, team]\n") == std::pair(one, std::string("base")));
  CHECK(run("channels: [team, base]\n") == std::pair(two, std::string("team")));
  CHECK(run("channels: [base]\n") == std::pair(one, std::string("base")));
}

TEST_CASE("a mistake in a policy is named by its place, with what may have been meant") {
  struct Mistake {
    const char* text;
    int line, column;
    const char* says;
  };
  const Mistake mistakes[] = {
      {"limits: { blobz: 1 }", 1, 11, "did you mean 'blob"},
      {"limits:\n  blob: huge", 2, 9, "huge"},
      {"limits: 3", 1, 9, "mapping"},
      {"limits: { blobs: -1 }", 1, 18, "whole number"},
      {"minimum_threshold: { snapshoot: 2 }", 1, 22, "snapshot"},
      {"minimum_threshold: { snapshot: 0 }", 1, 32, "from 1"},
      {"longest_lifetime: { timestamp: 0 }", 1, 32, "longer than nothing"},
      {"schemes: []", 1, 10, "leave it out"},
      {"schemes: [ed25519, ed25518]", 1, 20, "ed25519"},
      {"namespaces: { site-a: [npn] }", 1, 24, "npm"},
      {"namespaces: { site-a: ['npm:a//b'] }", 1, 24, "empty"},
      {"namespaces: { Site: [npm] }", 1, 15, "names no channel"},
      {"channels: [a, a]", 1, 15, "twice"},
      {"channels: [A]", 1, 12, "no channel's name"},
      {"\nclock_tolerence: 1h", 2, 1, "clock_tolerance"},
      {"clock_tolerance: 1h\nclock_tolerance: 2h", 2, 1, "clock_tolerance"},
  };
  for (const auto& mistake : mistakes) {
    CAPTURE(mistake.text);
    const auto error = error_of([&] { return workflow::parse_policy(mistake.text, "policy.yaml"); });
    CHECK(error.code() == ErrorCode::config);
    REQUIRE(error.position());
    CHECK(error.position()->file == "policy.yaml");
    CHECK(error.position()->line == mistake.line);
    CHECK(error.position()->column == mistake.column);
    CHECK((error.message() + " " + error.hint()).find(mistake.says) != std::string::npos);
  }
}

TEST_CASE("a policy that others can change decides nothing: it stops whoever asks for it") {
  Trial trial;
  set_policy(trial.site, "clock_tolerance: 1h\n");
  const auto file = trial.site.home.config / "policy.yaml";
  for (const mode_t mode : {0664U, 0646U, 0666U}) {
    CAPTURE(mode);
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    const auto error = error_of([&] { return trial.site.import({trial.bundle.head}); });
    CHECK(error.code() == ErrorCode::config);
    CHECK(error.hint().find("chmod go-w") != std::string::npos);
  }
  REQUIRE(::chmod(file.c_str(), 0444) == 0);
  REQUIRE(::chmod(trial.site.home.config.c_str(), 0777) == 0);
  CHECK(code_of([&] { return trial.site.import({trial.bundle.head}); }) == ErrorCode::config);
  REQUIRE(::chmod(trial.site.home.config.c_str(), 0755) == 0);
  CHECK(trial.site.import({trial.bundle.head}).bundles.size() == 1);
  if (::geteuid() == 0) {
    REQUIRE(::chown(file.c_str(), 12345, 12345) == 0);
    CHECK(code_of([&] { return workflow::load_policy(trial.site.home); }) == ErrorCode::config);
  }
}

TEST_CASE("each value of the policy in effect says where it comes from") {
  const auto policy =
      workflow::parse_site_policy("limits: { blob: 1GiB }\nminimum_threshold: { root: 2 }\n", "/etc/p.yaml");
  CHECK(origin_of(policy, "limits.blob") == "/etc/p.yaml:1:17");
  CHECK(origin_of(policy, "limits.bytes") == "default");
  CHECK(origin_of(policy, "minimum_threshold") == "/etc/p.yaml:2:20");
  CHECK(origin_of(policy, "clock_tolerance") == "default");
  Site site;
  CHECK_FALSE(workflow::load_site_policy(site.home).present);
}
