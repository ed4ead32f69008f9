#include "ecosystem/pulumi/resolver.hpp"

#include "base/error.hpp"
#include "ecosystem/pulumi/pulumi.hpp"
#include "resolve_fixture.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::pulumi {

using base::ErrorCode;
using model::Kind;
using model::Verified;
using test::FaultAnswer;
using test::FaultServer;

namespace {

const std::string k_archive = "the provider, packed\n";
const std::string k_file = "pulumi-resource-random-v4.18.0-linux-amd64.tar.gz";
const std::string k_release = "/github.com/pulumi/pulumi-random/releases/download/v4.18.0/";
const std::string k_sums = "pulumi-random_4.18.0_checksums.txt";
const std::string k_tag = "/api.github.com/repos/pulumi/pulumi-random/releases/tags/v4.18.0";
const std::string k_latest = "/api.github.com/repos/pulumi/pulumi-random/releases/latest";

// The hosts of one server, each below a folder of its name.
struct Upstream {
  FaultServer server;
  std::string upstreams() const {
    std::string text = "upstreams:\n";
    for (const char* host : {"github.com", "api.github.com", "get.pulumi.com", "dl.acme.example"}) {
      text += std::string("  ") + host + ": { url: '" + server.url(std::string("/") + host) + "' }\n";
    }
    return text;
  }
};

class Run : public Resolution {
 public:
  Run(const Upstream& upstream, const std::string& section)
      : Resolution(descriptor(), "platforms: [linux/amd64]\npulumi:\n" + section + upstream.upstreams()) {}
};

std::string sha1_of(const std::string& text) {
  base::Hasher hasher(base::HashAlgorithm::sha1);
  hasher.update(std::string_view(text));
  return hasher.finish().hex();
}

std::string release_json(const std::string& version) {
  return R"({"tag_name":")" + version + R"(","assets":[{"name":"other"},{"name":")" + k_file +
         R"(","digest":"sha256:)" + base::sha256(k_archive).hex() + R"("}]})";
}

}  // namespace

TEST_CASE("a release with SHA-256 checksums is proven by them", "[ecosystem][pulumi]") {
  Upstream upstream;
  upstream.server.script(k_release + k_file, {{.body = k_archive}});
  upstream.server.script(k_release + k_sums, {{.body = base::sha256(k_archive).hex() + "  ./" + k_file + "\n"}});
  Run run(upstream, "  plugins: [random@4.18.0, resource random@v4.18.0]\n");
  const auto& files = run.run();
  CHECK(run.paths() == std::vector<std::string>{"plugins/" + k_sums, "plugins/" + k_file});
  const model::FileRow& row = run.row("plugins/" + k_file);
  CHECK(row.sha256 == base::sha256(k_archive));
  CHECK(row.pin == row.sha256->to_string());
  CHECK(row.verified == Verified::upstream_digest);
  CHECK(row.length == k_archive.size());
  CHECK(row.platform == "linux/amd64");
  CHECK(row.origin == "https://github.com/pulumi/pulumi-random/releases/download/v4.18.0/" + k_file);
  CHECK(run.fetch(row) == k_archive);
  CHECK(files[0].row.kind == Kind::meta);
  CHECK(run.reporter().warnings().empty());
  CHECK(upstream.server.requests(k_tag).empty());
  for (const ResolvedFile& file : files) {
    CHECK_NOTHROW(model::parse_row(model::to_json_line(file.row, model::RowForm::lock), model::RowForm::lock, "", "x"));
  }
}

TEST_CASE("where checksums are SHA-1, the digest of the release's file counts", "[ecosystem][pulumi]") {
  Upstream upstream;
  upstream.server.script(k_release + k_file, {{.body = k_archive}});
  upstream.server.script(k_release + k_sums, {{.body = sha1_of(k_archive) + "  ./" + k_file + "\n"}});
  SECTION("which the service states") {
    upstream.server.script(k_tag, {{.body = release_json("v4.18.0")}});
    Run run(upstream, "  plugins: random@4.18.0\n");
    run.run();
    CHECK(run.row("plugins/" + k_file).sha256 == base::sha256(k_archive));
    CHECK(run.row("plugins/" + k_file).verified == Verified::upstream_digest);
  }
  SECTION("without it SHA-1 is compared, and proves nothing") {
    const int status = GENERATE(404, 403, 500);
    upstream.server.script(k_tag, {{.status = status, .body = "<html>"}});
    Run run(upstream, "  plugins: random@4.18.0\n");
    run.run();
    const model::FileRow& row = run.row("plugins/" + k_file);
    CHECK_FALSE(row.sha256);
    CHECK(row.pin == "sha1:" + sha1_of(k_archive));
    CHECK(row.verified == Verified::none);
    CHECK_FALSE(run.reporter().warnings().empty());
  }
}

TEST_CASE("without a version it is the newest release", "[ecosystem][pulumi]") {
  Upstream upstream;
  upstream.server.script(k_latest, {{.body = release_json("v4.18.0")}});
  upstream.server.script(k_tag, {{.body = release_json("v4.18.0")}});
  upstream.server.script(k_release + k_file, {{.body = k_archive}});
  Run run(upstream, "  plugins: [random]\n");
  run.run();
  CHECK(run.row("plugins/" + k_file).artifact == "pkg:generic/pulumi/resource/random@4.18.0");
  CHECK(run.reporter().warnings().empty());
  Run project(upstream, "  projects: [./app]\n");
  project.file("app/Pulumi.yaml", "name: p\nruntime: yaml\nresources: { a: { type: 'random:RandomPet' } }\n");
  project.run();
  CHECK(project.row("plugins/" + k_file).sha256 == base::sha256(k_archive));
  REQUIRE(project.reporter().warnings().size() == 1);  // the far side's CLI could not ask
  CHECK(project.reporter().warnings()[0].find("Pulumi.yaml:3") != std::string::npos);
}

TEST_CASE("what is not on the one host may be in the other's folder", "[ecosystem][pulumi]") {
  Upstream upstream;
  upstream.server.script("/get.pulumi.com/releases/plugins/" + k_file, {{.body = k_archive}});
  upstream.server.script(k_release + k_sums, {{.body = std::string(64, 'a') + "  " + k_file + "\n"}});
  Run run(upstream, "  plugins: [random@4.18.0]\n");
  run.run();
  const model::FileRow& row = run.row("plugins/" + k_file);
  CHECK(row.origin == "https://get.pulumi.com/releases/plugins/" + k_file);
  CHECK_FALSE(row.sha256);  // the first host's checksums are of that host's files
}

TEST_CASE("a publisher's own server, a project and the CLI", "[ecosystem][pulumi]") {
  Upstream upstream;
  const std::string file = "pulumi-resource-acme-v1.0.0-linux-amd64.tar.gz";
  upstream.server.script("/dl.acme.example/1.0.0/" + file, {{.body = "acme"}});
  Run run(upstream, "  projects: [./app]\n  cli: [3.259.0]\n");
  run.file("app/Pulumi.yaml", "name: p\nruntime: yaml\nresources: { a: { type: 'acme:x:Y', options: { version: 1.0.0, "
                              "pluginDownloadURL: 'https://dl.acme.example/${VERSION}' } } }\n");
  run.run();
  CHECK(run.paths() == std::vector<std::string>{"plugins/" + file});
  CHECK(run.reporter().warnings().size() == 1);
  REQUIRE(run.demands().size() == 1);
  CHECK(run.demands()[0].first.section == "tools");
  CHECK(run.demands()[0].first.values.at("version") == std::vector<std::string>{"3.259.0"});
}

TEST_CASE("what cannot be had is named with where it was looked for", "[ecosystem][pulumi]") {
  const Upstream upstream;
  const auto refusal = [&](const std::string& section) {
    Run run(upstream, section);
    return test::error_of([&] { return run.run().size(); });
  };
  const auto missing = refusal("  plugins: [random@9.9.9]\n");
  CHECK(missing.code() == ErrorCode::not_found);
  CHECK(missing.message().find("get.pulumi.com") != std::string::npos);
  CHECK(missing.position()->line == 4);
  CHECK(refusal("  plugins: [random]\n").code() == ErrorCode::not_found);
  CHECK(refusal("  plugins: [acme server=https://dl.acme.example]\n").code() == ErrorCode::manifest);
  CHECK(refusal("  projects: [./none]\n").code() == ErrorCode::manifest);
  CHECK(refusal("  cli: latest\n").code() == ErrorCode::manifest);
}

TEST_CASE("answers out of form are upstream's fault, not a crash", "[ecosystem][pulumi]") {
  Upstream upstream;
  const std::string body = GENERATE(as<std::string>{}, "<html>", "{", "[]", "{}", R"({"tag_name":7})",
                                    R"({"tag_name":"v1/../x"})", R"({"tag_name":"nightly"})");
  INFO(body);
  upstream.server.script(k_latest, {{.body = body}});
  Run run(upstream, "  plugins: [random]\n");
  const auto code = test::code_of([&] { return run.run().size(); });
  CHECK((code == ErrorCode::upstream || code == ErrorCode::malformed));
}

}  // namespace airlock::ecosystem::pulumi
