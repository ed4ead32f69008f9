#include "ecosystem/tool/recipe.hpp"

#include <set>

#include "base/error.hpp"
#include "base/url.hpp"
#include "ecosystem/tool/recipe_finder.hpp"
#include "model/version.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::tool {

using base::ErrorCode;

namespace {

const std::string k_required = "name: demo\ndescription: A demo.\nlicense: MIT\n";
const std::string k_names = "os: { linux: linux, windows: win }\narch: { amd64: x64, \"arm/v7\": armhf }\n";

Recipe parse(const std::string& rest) {
  return parse_recipe(k_required + rest, "demo.yaml");
}

}  // namespace

TEST_CASE("a recipe's parts are read", "[ecosystem][tool]") {
  const Recipe recipe = parse(k_names + R"(
homepage: https://demo.example
since: "1.2"
url: { default: "https://h.example/{version}/d-{os}-{arch}.{ext}", windows: "https://h.example/w-{version}.exe" }
file: demo-{goos}-{goarch}
ext: { default: tar.gz, windows: zip }
platforms: [linux/amd64, linux/arm/v7, windows/amd64]
checksums: { url: "{url}.sums", format: bsd }
signature: { kind: gpg, url: "{checksums}.asc", key: keys/demo.asc }
executable: bin/demo
)");
  CHECK(recipe.name == "demo");
  CHECK(recipe.since == "1.2");
  CHECK(recipe.checksums->format == ChecksumFormat::bsd);
  CHECK(recipe.signature->kind == SignatureKind::gpg);
  CHECK(recipe.signature->of == Signed::checksums);
  const auto expanded = [&](const char* platform) {
    const model::Platform parsed = model::Platform::parse(platform);
    return recipe.url.at(parsed.os).expand(variables_for(recipe, "1.3", parsed), Template::For::url);
  };
  CHECK(expanded("linux/amd64") == "https://h.example/1.3/d-linux-x64.tar.gz");
  CHECK(expanded("linux/arm") == "https://h.example/1.3/d-linux-armhf.tar.gz");
  CHECK(expanded("linux/arm/v7") == "https://h.example/1.3/d-linux-armhf.tar.gz");
  CHECK(expanded("windows/amd64") == "https://h.example/w-1.3.exe");
}

TEST_CASE("a platform that a recipe does not know is refused with those that it does", "[ecosystem][tool]") {
  const Recipe recipe = parse(k_names + "url: https://h.example/{os}-{arch}\n");
  const std::string platform = GENERATE(as<std::string>{}, "darwin/amd64", "linux/arm64", "linux/arm/v6");
  const auto error = test::error_of([&] { return variables_for(recipe, "1", model::Platform::parse(platform)); });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK(error.hint().find("linux/amd64") != std::string::npos);

  const Recipe listed = parse(k_names + "platforms: [linux/amd64]\nurl: https://h.example/{os}-{arch}\n");
  CHECK(test::code_of([&] { return variables_for(listed, "1", model::Platform::parse("windows/amd64")); }) ==
        ErrorCode::manifest);
}

TEST_CASE("recipes with a mistake are refused by place", "[ecosystem][tool]") {
  const std::string url = "url: https://h.example/{os}-{arch}\n";
  const auto [text, part] = GENERATE_COPY(table<std::string, std::string>({
      {"", "manifest"},
      {"[a]", "mapping"},
      {k_required + k_names, "no 'url'"},
      {"name: demo\nlicense: MIT\n" + k_names + url, "no 'description'"},
      {"name: De mo\ndescription: x\nlicense: MIT\n" + k_names + url, "name of a tool"},
      {k_required + url + "os: { linux: linux }\n", "no 'arch'"},
      {k_required + url + "os: { linus: linux }\narch: { amd64: x }\n", "did you mean 'linux'?"},
      {k_required + url + "os: { linux: linux }\narch: { x86_64: x }\n", "did you mean 'amd64'?"},
      {k_required + url + "os: {}\narch: { amd64: x }\n", "empty"},
      {k_required + url + "os: linux\narch: { amd64: x }\n", "mapping"},
      {k_required + k_names + url + "chekcsums: { url: x }\n", "did you mean 'checksums'?"},
      {k_required + k_names + "url: https://h.example/{platform}\n", "not a template"},
      {k_required + k_names + "url: { linux: https://h.example/ }\n", "nothing for 'windows'"},
      {k_required + k_names + url + "ext: { linux: zip }\n", "nothing for 'windows'"},
      {k_required + k_names + url + "checksums: { format: bsd }\n", "no 'url'"},
      {k_required + k_names + url + "checksums: { url: x, format: md5 }\n", "not a format"},
      {k_required + k_names + url + "checksums: [x]\n", "mapping"},
      {k_required + k_names + url + "signature: { kind: gpg, url: x, key: k }\n", "has none"},
      {k_required + k_names + url + "checksums: { url: x }\nsignature: { kind: pgp, url: x }\n", "kind of signature"},
      {k_required + k_names + url + "checksums: { url: x }\nsignature: { kind: gpg, url: x }\n", "needs one 'url'"},
      {k_required + k_names + url + "checksums: { url: x }\nsignature: { kind: gpg, url: [x, y], key: k }\n",
       "needs one 'url'"},
      {k_required + k_names + url + "checksums: { url: x }\nsignature: { kind: gpg, url: x, key: ../k }\n", "beside"},
      {k_required + k_names + url + "checksums: { url: x }\nsignature: { kind: gpg, url: x, key: /k }\n", "beside"},
      {k_required + k_names + url + "signature: { kind: cosign, url: x, of: it }\n", "'it'"},
      {k_required + k_names + url + "platforms: [linux]\n", "not a platform"},
  }));
  INFO(text);
  const std::string whole = text;
  const auto error = test::error_of([&] { return parse_recipe(whole, "demo.yaml"); });
  CHECK(error.code() == ErrorCode::manifest);
  INFO(error.message() << " | " << error.hint());
  CHECK((error.message() + " | " + error.hint() + " | manifest").find(part) != std::string::npos);
}

TEST_CASE("only exact versions are taken", "[ecosystem][tool]") {
  const base::SourcePosition position{.file = "m.yaml", .line = 4, .column = 9};
  CHECK(exact_version("1.12.6", position) == "1.12.6");
  CHECK(exact_version("v1.12.6", position) == "1.12.6");
  CHECK(exact_version("1.30.4+k3s1", position) == "1.30.4+k3s1");
  CHECK(exact_version("2024-05-01", position) == "2024-05-01");
  CHECK(exact_version("r42", position) == "r42");
  const std::string text = GENERATE(as<std::string>{}, "latest", "LATEST", "stable", "", "*", "1.*", "1.x", "1.x.2",
                                    "^1.2", "~1.2", ">=1", "1 || 2", "1/2", "../1", "1\n2", "1%2F", "v");
  INFO(text);
  if (text == "v") {
    CHECK(exact_version(text, position) == "v");
    return;
  }
  const auto error = test::error_of([&] { return exact_version(text, position); });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK(error.position() == position);
  CHECK(error.hint().find("exact") != std::string::npos);
}

TEST_CASE("every built-in recipe is complete and names each platform's file differently", "[ecosystem][tool]") {
  CHECK(built_in_recipes().size() >= 30);
  std::set<std::string> names;
  for (const Recipe& recipe : built_in_recipes()) {
    INFO(recipe.name);
    CHECK(names.insert(recipe.name).second);
    CHECK(recipe.position.file == "manifests/tools/" + recipe.name + ".yaml");
    CHECK_FALSE(recipe.description.empty());
    CHECK_FALSE(recipe.license.empty());
    CHECK(base::Url::parse(recipe.homepage).scheme() == "https");
    CHECK((recipe.since.empty() || model::Version::parse(recipe.since)));
    std::set<std::string> files;
    for (const auto& [os, upstream_os] : recipe.os) {
      for (const auto& [arch, upstream_arch] : recipe.arch) {
        const model::Platform platform = model::Platform::parse(os + "/" + arch);
        if (!recipe.platforms.empty() &&
            std::find(recipe.platforms.begin(), recipe.platforms.end(), platform) == recipe.platforms.end()) {
          continue;
        }
        Variables variables = variables_for(recipe, "1.2.3", platform);
        const base::Url url = base::Url::parse(recipe.url.at(os).expand(variables, Template::For::url));
        INFO(url.to_string());
        CHECK(url.scheme() == "https");
        CHECK(url.to_string().find('{') == std::string::npos);
        const std::string file =
            recipe.file.empty() ? url.file_name() : recipe.file.expand(variables, Template::For::name);
        CHECK(files.insert(file).second);
        variables["url"] = url.to_string();
        variables["file"] = url.file_name();
        if (recipe.checksums) {
          const std::string checksums = recipe.checksums->url.expand(variables, Template::For::url);
          CHECK(base::Url::parse(checksums).scheme() == "https");
          variables["checksums"] = checksums;
        }
        if (recipe.signature) {
          for (const Template& signature : recipe.signature->urls) {
            CHECK(base::Url::parse(signature.expand(variables, Template::For::url)).scheme() == "https");
          }
        }
      }
    }
    CHECK_FALSE(files.empty());
  }
}

TEST_CASE("the layouts of the main tools are those of their releases", "[ecosystem][tool]") {
  const auto [name, version, platform, expected] = GENERATE(table<std::string, std::string, std::string, std::string>({
      {"opentofu", "1.8.5", "linux/amd64",
       "https://github.com/opentofu/opentofu/releases/download/v1.8.5/tofu_1.8.5_linux_amd64.zip"},
      {"terraform", "1.9.8", "darwin/arm64",
       "https://releases.hashicorp.com/terraform/1.9.8/terraform_1.9.8_darwin_arm64.zip"},
      {"pulumi", "3.139.0", "linux/amd64",
       "https://github.com/pulumi/pulumi/releases/download/v3.139.0/pulumi-v3.139.0-linux-x64.tar.gz"},
      {"pulumi", "3.139.0", "windows/amd64",
       "https://github.com/pulumi/pulumi/releases/download/v3.139.0/pulumi-v3.139.0-windows-x64.zip"},
      {"kubectl", "1.31.2", "linux/arm64", "https://dl.k8s.io/release/v1.31.2/bin/linux/arm64/kubectl"},
      {"helm", "3.16.2", "linux/amd64", "https://get.helm.sh/helm-v3.16.2-linux-amd64.tar.gz"},
      {"kustomize", "5.5.0", "linux/amd64",
       "https://github.com/kubernetes-sigs/kustomize/releases/download/kustomize%2Fv5.5.0/"
       "kustomize_v5.5.0_linux_amd64.tar.gz"},
      {"k3s", "1.30.4+k3s1", "linux/amd64", "https://github.com/k3s-io/k3s/releases/download/v1.30.4%2Bk3s1/k3s"},
      {"k3s", "1.30.4+k3s1", "linux/arm64", "https://github.com/k3s-io/k3s/releases/download/v1.30.4%2Bk3s1/k3s-arm64"},
      {"jq", "1.7.1", "darwin/arm64", "https://github.com/jqlang/jq/releases/download/jq-1.7.1/jq-macos-arm64"},
      {"trivy", "0.57.0", "linux/amd64",
       "https://github.com/aquasecurity/trivy/releases/download/v0.57.0/trivy_0.57.0_Linux-64bit.tar.gz"},
  }));
  const auto& recipes = built_in_recipes();
  const std::string wanted = name;
  const auto recipe = std::find_if(recipes.begin(), recipes.end(), [&](const Recipe& r) { return r.name == wanted; });
  REQUIRE(recipe != recipes.end());
  const model::Platform parsed = model::Platform::parse(platform);
  CHECK(recipe->url.at(parsed.os).expand(variables_for(*recipe, version, parsed), Template::For::url) == expected);
}

}  // namespace airlock::ecosystem::tool
