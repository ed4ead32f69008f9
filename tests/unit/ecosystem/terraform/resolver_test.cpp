#include "ecosystem/terraform/resolver.hpp"

#include "base/error.hpp"
#include "ecosystem/terraform/terraform.hpp"
#include "resolve_fixture.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::terraform {

using base::ErrorCode;
using model::Kind;
using model::Verified;
using test::FaultServer;

namespace {

std::string data(const std::string& name) {
  return base::read_file(std::filesystem::path(AIRLOCK_TEST_DATA) / "openpgp" / name, 1 << 20);
}
std::string release(const std::string& platform) {
  return "release of demo 1.2.3 for " + platform + "\n";
}

const std::string k_vendor = "347E79B87AAC824328BDCB6D60D956EA15FEC374";
const std::string k_folder = "providers/registry.opentofu.org/hashicorp/demo/";
const std::string k_zip = k_folder + "terraform-provider-demo_1.2.3_linux_amd64.zip";
const std::string k_sums = "/releases.example/demo_1.2.3_SHA256SUMS";

// A registry, and the host where its releases lie, each below a folder of its name on one server.
struct Registry {
  FaultServer server;
  std::string host;

  explicit Registry(std::string name = "registry.opentofu.org", const std::string& key = "vendor.asc",
                    const std::string& signature = "vendor.sig")
      : host(std::move(name)) {
    server.script("/" + host + "/.well-known/terraform.json", {{.body = R"({"providers.v1":"/v1/providers/"})"}});
    server.script(provider("versions"),
                  {{.body = R"({"versions":[{"version":"1.2.3"},{"version":"1.2.2"},{"version":"2.0.0-rc1"}]})"}});
    for (const char* arch : {"amd64", "arm64"}) {
      server.script(provider(std::string("1.2.3/download/linux/") + arch), {{.body = package(arch, key, signature)}});
      server.script(std::string("/releases.example/demo_1.2.3_linux_") + arch + ".zip",
                    {{.body = release(std::string("linux/") + arch)}});
    }
    server.script(k_sums, {{.body = data("demo_1.2.3_SHA256SUMS")}});
    if (!signature.empty()) {
      server.script(k_sums + ".sig", {{.body = data(signature)}});
    }
  }
  std::string provider(const std::string& rest) const { return "/" + host + "/v1/providers/hashicorp/demo/" + rest; }
  static std::string package(const std::string& arch, const std::string& key, const std::string& signature) {
    const base::Json keys = key.empty() ? base::Json::array() : base::Json{{{"ascii_armor", data(key)}}};
    base::Json answer = {{"os", "linux"},
                         {"arch", arch},
                         {"filename", "demo_1.2.3_linux_" + arch + ".zip"},
                         {"download_url", "https://releases.example/demo_1.2.3_linux_" + arch + ".zip"},
                         {"shasum", base::sha256(release("linux/" + arch)).hex()},
                         {"shasums_url", "https://releases.example/demo_1.2.3_SHA256SUMS"},
                         {"signing_keys", {{"gpg_public_keys", keys}}}};
    if (!signature.empty()) {
      answer["shasums_signature_url"] = "https://releases.example/demo_1.2.3_SHA256SUMS.sig";
    }
    return answer.dump();
  }
  std::string upstreams() const {
    return "upstreams: { " + host + ": { url: '" + server.url("/" + host) + "' }, releases.example: { url: '" +
           server.url("/releases.example") + "' } }\n";
  }
};

class Run : public Resolution {
 public:
  Run(const Registry& registry, const std::string& section)
      : Resolution(descriptor(), "platforms: [linux/amd64]\nterraform:\n" + section + registry.upstreams()) {}
  base::Error refusal() {
    return test::error_of([&] { return run().size(); });
  }
  void lock(const std::string& host, const std::string& version, const std::string& hashes) const {
    file("app/.terraform.lock.hcl",
         "provider \"" + host + "/hashicorp/demo\" {\n version = \"" + version + "\"\n hashes = [" + hashes + "]\n}\n");
  }
};

const std::string k_main =
    "terraform {\n required_providers {\n  demo = { source = \"hashicorp/demo\", version = \"~> 1.2\" }\n }\n}\n";
const std::string k_zip_hash = "\"zh:" + base::sha256(release("linux/amd64")).hex() + "\"";

}  // namespace

TEST_CASE("a signed provider becomes a proven row and what proves it", "[ecosystem][terraform]") {
  const Registry registry;
  Run run(registry,
          "  providers: [\"hashicorp/demo@~> 1.2\", hashicorp/demo]\n  signers: [\"hashicorp " + k_vendor + "\"]\n");
  const auto& files = run.run();
  CHECK(run.paths() == std::vector<std::string>{k_folder + "terraform-provider-demo_1.2.3_SHA256SUMS",
                                                k_folder + "terraform-provider-demo_1.2.3_SHA256SUMS.asc",
                                                k_folder + "terraform-provider-demo_1.2.3_SHA256SUMS.sig", k_zip});
  const model::FileRow& row = run.row(k_zip);
  CHECK(row.sha256 == base::sha256(release("linux/amd64")));
  CHECK(row.verified == Verified::upstream_signature);
  CHECK(row.artifact == "pkg:terraform/registry.opentofu.org/hashicorp/demo@1.2.3");
  CHECK(row.origin == "https://releases.example/demo_1.2.3_linux_amd64.zip");
  CHECK(run.fetch(row) == release("linux/amd64"));
  for (const ResolvedFile& file : files) {
    if (file.row.kind == Kind::meta) {
      CHECK(run.fetch(file.row) == *file.content);  // as for a lock read from disk
      CHECK(run.fetch(file.row, 3, 5) == file.content->substr(3, 5));
    }
    CHECK_NOTHROW(model::parse_row(model::to_json_line(file.row, model::RowForm::lock), model::RowForm::lock, "", "x"));
  }
  CHECK(run.reporter().warnings().empty());
}

TEST_CASE("one checksum file proves every platform and is fetched once", "[ecosystem][terraform]") {
  const Registry registry;
  Run run(registry, "  providers: hashicorp/demo\n  platforms: [linux/amd64, linux/arm64]\n");
  run.run();
  CHECK(run.paths().size() == 5);
  CHECK(registry.server.requests(k_sums).size() == 1);
}

TEST_CASE("a promised signature that does not verify stops everything", "[ecosystem][terraform]") {
  const std::string signature =
      GENERATE(as<std::string>{}, "", "stranger.sig", "revoked.sig", "expired.sig", "vendor.asc");
  INFO(signature);
  const Registry registry("registry.opentofu.org", "vendor.asc", signature);
  Run run(registry, "  providers: [hashicorp/demo]\n");
  const auto error = run.refusal();
  CHECK(error.code() == ErrorCode::untrusted);
  CHECK(error.position()->line == 4);
}

TEST_CASE("the registry's own key does not do where another is pinned", "[ecosystem][terraform]") {
  const Registry registry("registry.opentofu.org", "stranger.asc", "stranger.sig");
  Run run(registry, "  providers: [hashicorp/demo]\n  signers: [\"hashicorp/demo " + k_vendor + "\"]\n");
  CHECK(run.refusal().code() == ErrorCode::untrusted);
}

TEST_CASE("a registry without keys is taken by its digests, unless someone must have signed",
          "[ecosystem][terraform]") {
  const Registry registry("registry.opentofu.org", "", "");
  SECTION("with a warning") {
    Run run(registry, "  providers: [hashicorp/demo]\n");
    run.run();
    CHECK(run.row(k_zip).verified == Verified::upstream_digest);
    CHECK(run.reporter().warnings().size() == 1);
  }
  SECTION("refused") {
    Run run(registry, "  providers: [hashicorp/demo]\n  signers: [\"hashicorp " + k_vendor + "\"]\n");
    CHECK(run.refusal().code() == ErrorCode::untrusted);
  }
}

TEST_CASE("a digest that the checksum file does not have is refused", "[ecosystem][terraform]") {
  Registry registry;
  SECTION("another one") {
    std::string answer = Registry::package("amd64", "vendor.asc", "vendor.sig");
    const std::string right = base::sha256(release("linux/amd64")).hex();
    answer.replace(answer.find(right), right.size(), std::string(64, '0'));
    registry.server.script(registry.provider("1.2.3/download/linux/amd64"), {{.body = answer}});
  }
  SECTION("changed checksums") {
    std::string changed = data("demo_1.2.3_SHA256SUMS");
    changed[0] = changed[0] == '0' ? '1' : '0';
    registry.server.script(k_sums, {{.body = changed}});
  }
  Run run(registry, "  providers: [hashicorp/demo]\n");
  CHECK(run.refusal().code() == ErrorCode::untrusted);
}

TEST_CASE("a project's lock file decides version, host and hashes", "[ecosystem][terraform]") {
  const Registry registry("registry.terraform.io");
  Run run(registry, "  projects: [./app]\n");
  run.file("app/main.tf", k_main);
  SECTION("right") {
    run.lock("registry.terraform.io", "1.2.3", "\"zh:" + std::string(64, '0') + "\", " + k_zip_hash);
    run.run();
    CHECK(run.paths().back().starts_with("providers/registry.terraform.io/hashicorp/demo/"));
    CHECK(registry.server.requests(registry.provider("versions")).empty());
  }
  SECTION("wrong hashes") {
    run.lock("registry.terraform.io", "1.2.3", "\"zh:" + std::string(64, '0') + "\"");
    CHECK(run.refusal().code() == ErrorCode::tampered);
  }
  SECTION("hashes of the content only are left to the client") {
    run.lock("registry.terraform.io", "1.2.3", "\"h1:x=\"");
    run.run();
    CHECK(run.paths().size() == 4);
  }
  SECTION("a version that the configuration does not allow") {
    run.lock("registry.terraform.io", "2.0.0", "");
    const auto error = run.refusal();
    CHECK(error.code() == ErrorCode::manifest);
    CHECK(error.position()->file.ends_with("main.tf"));
  }
}

TEST_CASE("the other tool's lock file gives the version and not the hashes", "[ecosystem][terraform]") {
  const Registry registry;
  Run run(registry, "  projects: [./app]\n  tool: opentofu\n");
  run.file("app/main.tf", k_main);
  run.lock("registry.terraform.io", "1.2.3", "\"zh:" + std::string(64, '0') + "\"");
  run.run();
  CHECK(run.paths().back() == k_zip);
}

TEST_CASE("what cannot be had is named with who asked", "[ecosystem][terraform]") {
  const Registry registry;
  const auto refusal = [&](const std::string& section) {
    Run run(registry, section);
    run.file("app/main.tf", k_main);
    run.file("other/main.tf",
             "resource \"demo_x\" \"y\" {}\nterraform {\n required_providers {\n  demo = \"~> 7.1\"\n }\n}\n");
    return run.refusal();
  };
  const auto unsatisfied = refusal("  projects: [./other]\n");
  CHECK(unsatisfied.code() == ErrorCode::not_found);
  CHECK(unsatisfied.message().find("~> 7.1") != std::string::npos);
  CHECK(unsatisfied.hint().find("1.2.3") != std::string::npos);
  CHECK(unsatisfied.position()->file.ends_with("other/main.tf"));
  CHECK(unsatisfied.position()->line == 4);
  CHECK(refusal("  providers: [hashicorp/none]\n").code() == ErrorCode::not_found);
  CHECK(refusal("  providers: [hashicorp/demo]\n  platforms: [darwin/arm64]\n").code() == ErrorCode::not_found);
  CHECK(refusal("  providers: [\"hashicorp/demo@nightly\"]\n").code() == ErrorCode::manifest);
  CHECK(refusal("  providers: [\"a/b/c/d\"]\n").code() == ErrorCode::manifest);
  CHECK(refusal("  projects: [./none]\n").code() != ErrorCode::internal);
  CHECK(refusal("  providers: [hashicorp/demo]\n  tool: pulumi\n").code() == ErrorCode::manifest);
}

}  // namespace airlock::ecosystem::terraform
