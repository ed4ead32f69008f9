#include "ecosystem/tool/resolver.hpp"

#include "base/error.hpp"
#include "ecosystem/tool/tool.hpp"
#include "resolve_fixture.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::tool {

using base::ErrorCode;
using model::Kind;
using model::Verified;
using test::FaultAnswer;
using test::FaultServer;

namespace {

const std::filesystem::path k_data = std::filesystem::path(AIRLOCK_TEST_DATA) / "openpgp";

std::string data(const std::string& name) {
  return base::read_file(k_data / name, 1 << 20);
}
std::string release(const std::string& platform) {
  return "release of demo 1.2.3 for " + platform + "\n";
}

const std::string k_recipe = R"(name: demo
description: A demo.
license: MIT
since: 1.0.0
url: https://releases.tools.example/demo/{version}/demo_{version}_{os}_{arch}.zip
os: { linux: linux, darwin: darwin }
arch: { amd64: amd64, arm64: arm64 }
checksums: { url: "https://releases.tools.example/demo/{version}/demo_{version}_SHA256SUMS" }
signature: { kind: gpg, url: "{checksums}.sig", key: keys/demo.asc }
)";

// An upstream with one release, reached through an entry of `upstreams` in place of its real host.
struct Upstream {
  FaultServer server;

  explicit Upstream(const std::string& signature = "vendor.sig") {
    const std::string base = "/demo/1.2.3/demo_1.2.3_";
    server.script(base + "linux_amd64.zip", {{.body = release("linux/amd64")}});
    server.script(base + "linux_arm64.zip", {{.body = release("linux/arm64")}});
    server.script(base + "SHA256SUMS", {{.body = data("demo_1.2.3_SHA256SUMS")}});
    if (!signature.empty()) {
      server.script(base + "SHA256SUMS.sig", {{.body = data(signature)}});
    }
  }
  std::string upstreams(const std::string& host = "releases.tools.example") const {
    return "upstreams: { " + host + ": { url: '" + server.url("") + "' } }\n";
  }
};

class Run : public Resolution {
 public:
  Run(const Upstream& upstream, const std::string& entry, const std::string& host = "releases.tools.example")
      : Resolution(descriptor(), "platforms: [linux/amd64]\ntools:\n  - " + entry + "\n" + upstream.upstreams(host)) {
    file("recipes/demo.yaml", k_recipe);
  }
  ErrorCode refusal() {
    return test::code_of([&] { return run().size(); });
  }
};

const std::string k_entry = "{ name: demo, version: 1.2.3, recipe: recipes/demo.yaml }";
const std::string k_entry_with_key = "{ name: demo, version: 1.2.3, recipe: recipes/demo.yaml, key: vendor.asc }";

}  // namespace

TEST_CASE("a signed release becomes a proven row and the files that prove it", "[ecosystem][tool]") {
  const Upstream upstream;
  Run run(upstream, k_entry_with_key);
  run.file("vendor.asc", data("vendor.asc"));
  const auto& files = run.run();
  CHECK(run.paths() == std::vector<std::string>{"demo/1.2.3/demo_1.2.3_SHA256SUMS",
                                                "demo/1.2.3/demo_1.2.3_SHA256SUMS.sig",
                                                "demo/1.2.3/demo_1.2.3_linux_amd64.zip"});
  const model::FileRow& row = run.row("demo/1.2.3/demo_1.2.3_linux_amd64.zip");
  CHECK(row.sha256 == base::sha256(release("linux/amd64")));
  CHECK(row.pin == row.sha256->to_string());
  CHECK(row.verified == Verified::upstream_signature);
  CHECK(row.platform == "linux/amd64");
  CHECK(row.artifact == "pkg:generic/demo@1.2.3");
  CHECK(row.origin == "https://releases.tools.example/demo/1.2.3/demo_1.2.3_linux_amd64.zip");
  CHECK(row.length == release("linux/amd64").size());
  CHECK(row.media_type == "application/zip");
  CHECK(run.fetch(row) == release("linux/amd64"));
  CHECK(files[0].row.kind == Kind::meta);
  CHECK(files[0].row.verified == Verified::upstream_signature);
  CHECK(files[0].content == data("demo_1.2.3_SHA256SUMS"));
  CHECK(files[0].row.sha256 == base::sha256(*files[0].content));
  CHECK(run.fetch(files[0].row) == *files[0].content);  // a lock read from disk has no content at hand
  CHECK(run.reporter().warnings().empty());
  for (const ResolvedFile& file : files) {
    CHECK_NOTHROW(model::parse_row(model::to_json_line(file.row, model::RowForm::lock), model::RowForm::lock, "", "x"));
  }
}

TEST_CASE("one checksum file proves every platform and is fetched once", "[ecosystem][tool]") {
  const Upstream upstream;
  Run run(upstream,
          "{ name: demo, version: v1.2.3, recipe: recipes/demo.yaml, platforms: [linux/amd64, linux/arm64] }");
  run.run();
  CHECK(run.paths().size() == 4);
  CHECK(upstream.server.requests("/demo/1.2.3/demo_1.2.3_SHA256SUMS").size() == 1);
}

TEST_CASE("without the key the digest holds, and a warning says what to do", "[ecosystem][tool]") {
  const Upstream upstream;
  Run run(upstream, k_entry);
  run.run();
  CHECK(run.row("demo/1.2.3/demo_1.2.3_linux_amd64.zip").verified == Verified::upstream_digest);
  REQUIRE(run.reporter().warnings().size() == 1);
  CHECK(run.reporter().warnings()[0].find("key:") != std::string::npos);
}

TEST_CASE("a promised signature that does not verify stops everything", "[ecosystem][tool]") {
  const std::string signature =
      GENERATE(as<std::string>{}, "", "stranger.sig", "revoked.sig", "expired.sig", "vendor.asc");
  INFO(signature);
  const Upstream upstream(signature);
  Run run(upstream, k_entry_with_key);
  run.file("vendor.asc", data("vendor.asc") + data("revoked.asc") + data("expired.asc"));
  CHECK(run.refusal() == ErrorCode::untrusted);
}

TEST_CASE("a recipe with a fingerprint fetches the key, and takes no other", "[ecosystem][tool]") {
  const std::string vendor = "347E79B87AAC824328BDCB6D60D956EA15FEC374";
  std::string fingerprint = vendor;
  std::string served = data("vendor.asc");
  std::string signature = "vendor.sig";
  std::optional<ErrorCode> refused;
  SECTION("the right one") {}
  SECTION("the right one among others") {
    served = data("stranger.asc") + served;
  }
  SECTION("written in groups") {
    fingerprint = "347E 79B8 7AAC 8243 28BD  CB6D 60D9 56EA 15FE C374";
  }
  SECTION("another key in its place") {
    served = data("stranger.asc");
    refused = ErrorCode::untrusted;
  }
  SECTION("another key with a good signature of its own") {
    served = data("stranger.asc");
    signature = "stranger.sig";
    refused = ErrorCode::untrusted;
  }
  SECTION("both keys there, signed by the other") {
    served = data("stranger.asc") + served;
    signature = "stranger.sig";
    refused = ErrorCode::untrusted;
  }
  SECTION("no key") {
    served = "";
    refused = ErrorCode::not_found;
  }
  SECTION("a page in its place") {
    served = "<html>";
    refused = ErrorCode::malformed;
  }
  Upstream upstream(signature);
  if (!served.empty()) {
    upstream.server.script("/key.asc", {{.body = served}});
  }
  std::string recipe = k_recipe;
  const std::string key = "key: keys/demo.asc";
  recipe.replace(recipe.find(key), key.size(),
                 key + ", key_fingerprint: '" + fingerprint + "', key_url: 'https://releases.tools.example/key.asc'");
  Run run(upstream, k_entry);
  run.file("recipes/demo.yaml", recipe);
  if (refused) {
    CHECK(run.refusal() == *refused);
    return;
  }
  run.run();
  CHECK(run.row("demo/1.2.3/demo_1.2.3_linux_amd64.zip").verified == Verified::upstream_signature);
  CHECK(run.reporter().warnings().empty());
}

TEST_CASE("an entry's key and fingerprint go before the recipe's", "[ecosystem][tool]") {
  const Upstream upstream;
  const std::string recipe_key = "key: keys/demo.asc, key_fingerprint: " + std::string(40, 'A');
  std::string recipe = k_recipe;
  recipe.replace(recipe.find("key: keys/demo.asc"), 18, recipe_key);
  const auto run_with = [&](const std::string& more) {
    auto run = std::make_unique<Run>(upstream, "{ name: demo, version: 1.2.3, recipe: recipes/demo.yaml" + more + " }");
    run->file("recipes/demo.yaml", recipe);
    run->file("vendor.asc", data("vendor.asc"));
    run->file("recipes/keys/demo.asc", data("vendor.asc"));
    return run;
  };
  CHECK(run_with("")->refusal() == ErrorCode::untrusted);  // the file beside it is not the pinned key
  const auto own = run_with(", key: vendor.asc");
  own->run();
  CHECK(own->row("demo/1.2.3/demo_1.2.3_linux_amd64.zip").verified == Verified::upstream_signature);
  const auto pinned = run_with(", key_fingerprint: 347E79B87AAC824328BDCB6D60D956EA15FEC374");
  pinned->run();
  CHECK(pinned->row("demo/1.2.3/demo_1.2.3_linux_amd64.zip").verified == Verified::upstream_signature);
  CHECK(run_with(", key: vendor.asc, key_fingerprint: " + std::string(40, 'B'))->refusal() == ErrorCode::untrusted);
  CHECK(run_with(", key_fingerprint: 60D956EA15FEC374")->refusal() == ErrorCode::manifest);
}

TEST_CASE("checksums that were changed after signing stop everything", "[ecosystem][tool]") {
  Upstream upstream;
  std::string changed = data("demo_1.2.3_SHA256SUMS");
  changed[0] = changed[0] == '0' ? '1' : '0';
  upstream.server.script("/demo/1.2.3/demo_1.2.3_SHA256SUMS", {{.body = changed}});
  Run run(upstream, k_entry_with_key);
  run.file("vendor.asc", data("vendor.asc"));
  CHECK(run.refusal() == ErrorCode::untrusted);
}

TEST_CASE("what upstream lacks is named", "[ecosystem][tool]") {
  SECTION("the version") {
    const Upstream upstream;
    Run run(upstream, "{ name: demo, version: 9.9.9, recipe: recipes/demo.yaml }");
    CHECK(run.refusal() == ErrorCode::not_found);
  }
  SECTION("the file, though its checksum is there") {
    const Upstream upstream;
    Run run(upstream, "{ name: demo, version: 1.2.3, recipe: recipes/demo.yaml, platforms: darwin/arm64 }");
    CHECK(run.refusal() == ErrorCode::not_found);
  }
  SECTION("the checksum, though the file may be there") {
    const Upstream upstream;
    Run run(upstream, "{ name: demo, version: 1.2.3, recipe: recipes/demo.yaml, platforms: darwin/amd64 }");
    CHECK(run.refusal() == ErrorCode::upstream);
  }
  SECTION("the platform in the recipe") {
    const Upstream upstream;
    Run run(upstream, "{ name: demo, version: 1.2.3, recipe: recipes/demo.yaml, platforms: windows/amd64 }");
    const auto error = test::error_of([&] { return run.run().size(); });
    CHECK(error.code() == ErrorCode::manifest);
    CHECK(error.position());
  }
  SECTION("the layout of such an old version") {
    const Upstream upstream;
    Run run(upstream, "{ name: demo, version: 0.9.0, recipe: recipes/demo.yaml }");
    CHECK(run.refusal() == ErrorCode::manifest);
  }
}

TEST_CASE("a digest in the entry must be upstream's, and is one's own word where upstream has none",
          "[ecosystem][tool]") {
  const std::string right = base::sha256(release("linux/amd64")).hex();
  const Upstream upstream;
  SECTION("equal") {
    Run run(upstream, "{ name: demo, version: 1.2.3, recipe: recipes/demo.yaml, sha256: '" + right + "' }");
    run.run();
    CHECK(run.row("demo/1.2.3/demo_1.2.3_linux_amd64.zip").verified == Verified::upstream_digest);
  }
  SECTION("different") {
    Run run(upstream,
            "{ name: demo, version: 1.2.3, recipe: recipes/demo.yaml, sha256: '" + std::string(64, '0') + "' }");
    CHECK(run.refusal() == ErrorCode::tampered);
  }
  SECTION("for two platforms") {
    Run run(upstream, "{ name: demo, version: 1.2.3, recipe: recipes/demo.yaml, platforms: [linux/amd64, linux/arm64], "
                      "sha256: '" +
                          right + "' }");
    CHECK(run.refusal() == ErrorCode::manifest);
  }
  SECTION("without checksums") {
    Run run(upstream, "{ name: own, version: 1.2.3, url: 'https://releases.tools.example/demo/{version}/"
                      "demo_{version}_{os}_{arch}.zip', sha256: '" +
                          right + "' }");
    run.run();
    CHECK(run.row("own/1.2.3/demo_1.2.3_linux_amd64.zip").verified == Verified::upstream_digest);
    CHECK(run.reporter().warnings().empty());
  }
}

TEST_CASE("without any digest the row is open, and a warning says so", "[ecosystem][tool]") {
  const Upstream upstream;
  Run run(upstream, "{ name: own, version: 1.2.3, url: 'https://releases.tools.example/demo/{version}/"
                    "demo_{version}_{os}_{arch}.zip' }");
  run.run();
  const model::FileRow& row = run.row("own/1.2.3/demo_1.2.3_linux_amd64.zip");
  CHECK_FALSE(row.sha256);
  CHECK(row.verified == Verified::none);
  CHECK(run.reporter().warnings().size() == 1);
}

TEST_CASE("an entry's own url, checksums, signature and key prove as a recipe does", "[ecosystem][tool]") {
  const Upstream upstream;
  Run run(upstream, "{ name: own, version: 1.2.3, key: vendor.asc, signature: '{checksums}.sig', "
                    "url: 'https://releases.tools.example/demo/{version}/demo_{version}_{os}_{arch}.zip', "
                    "checksums: 'https://releases.tools.example/demo/{version}/demo_{version}_SHA256SUMS' }");
  run.file("vendor.asc", data("vendor.asc"));
  run.run();
  CHECK(run.row("own/1.2.3/demo_1.2.3_linux_amd64.zip").verified == Verified::upstream_signature);
}

TEST_CASE("a file that is the same for every platform is taken once", "[ecosystem][tool]") {
  const Upstream upstream;
  Run run(upstream, "{ name: script, version: 1.2.3, platforms: [linux/amd64, linux/arm64], "
                    "url: 'https://releases.tools.example/demo/{version}/demo_{version}_SHA256SUMS' }");
  run.run();
  REQUIRE(run.paths().size() == 1);
  CHECK(run.row("script/1.2.3/demo_1.2.3_SHA256SUMS").platform.empty());
}

TEST_CASE("two platforms' files with one name are refused", "[ecosystem][tool]") {
  Upstream upstream;
  upstream.server.script("/1.2.3/amd64/own", {{.body = "a"}});
  upstream.server.script("/1.2.3/arm64/own", {{.body = "b"}});
  Run run(upstream, "{ name: own, version: 1.2.3, platforms: [linux/amd64, linux/arm64], "
                    "url: 'https://releases.tools.example/{version}/{arch}/own' }");
  const auto error = test::error_of([&] { return run.run().size(); });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK(error.hint().find("file:") != std::string::npos);
}

TEST_CASE("kubectl's bare names are told apart by platform, with what belongs to them", "[ecosystem][tool]") {
  Upstream upstream;
  const std::string path = "/release/v1.31.2/bin/linux/amd64/kubectl";
  upstream.server.script(path, {{.body = "kubectl"}});
  upstream.server.script(path + ".sha256", {{.body = base::sha256("kubectl").hex()}});
  upstream.server.script(path + ".sig", {{.body = "signature"}});
  upstream.server.script(path + ".cert", {{.body = "certificate"}});
  Run run(upstream, "{ name: kubectl, version: 1.31.2 }", "dl.k8s.io");
  run.run();
  CHECK(run.paths() == std::vector<std::string>{
                           "kubectl/1.31.2/kubectl-linux-amd64", "kubectl/1.31.2/kubectl-linux-amd64.cert",
                           "kubectl/1.31.2/kubectl-linux-amd64.sha256", "kubectl/1.31.2/kubectl-linux-amd64.sig"});
  CHECK(run.row("kubectl/1.31.2/kubectl-linux-amd64").verified == Verified::upstream_digest);
  CHECK(run.row("kubectl/1.31.2/kubectl-linux-amd64.sig").verified == Verified::none);
  CHECK(run.reporter().warnings().empty());  // keyless signatures are carried without a word to everybody
  CHECK(run.reporter().notes().size() == 1);
}

TEST_CASE("a version that is none is refused by place", "[ecosystem][tool]") {
  const Upstream upstream;
  Run run(upstream, "{ name: demo, version: latest, recipe: recipes/demo.yaml }");
  const auto error = test::error_of([&] { return run.run().size(); });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK(error.position()->line == 4);
}

}  // namespace airlock::ecosystem::tool
