#include "model/manifest.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "sections.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::model {

namespace {

Manifest parse(std::string_view text, const std::vector<Platform>& platforms = {}) {
  return parse_manifest(text, "dir/m.yaml", test_sections(), platforms);
}

}  // namespace

TEST_CASE("a manifest's entries are read with all types of options", "[model][manifest]") {
  const Manifest manifest = parse(R"(
name: site-a
platforms: [linux/amd64]
images:
  - docker.io/library/debian:12
  - { ref: "registry.example:5000/app", tags: ["1.*", 2.0], newest: 2, platforms: [linux/arm64, linux/amd64], referrers: true }
  - layout: ../oci
files:
  - { url: "https://intranet.example/guide.pdf", sha256: "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }
)");
  CHECK(manifest.name == "site-a");
  CHECK(manifest.name_position.line == 2);
  REQUIRE(manifest.platforms.size() == 1);
  const auto images = manifest.section("images");
  REQUIRE(images.size() == 3);
  CHECK(images[0]->text("ref") == "docker.io/library/debian:12");
  CHECK(images[0]->platforms() == parse_platforms({"linux/amd64"}));
  CHECK_FALSE(images[0]->has("tags"));
  CHECK_FALSE(images[0]->flag("referrers"));
  CHECK(images[1]->texts("tags") == std::vector<std::string>{"1.*", "2.0"});
  CHECK(images[1]->number("newest") == 2);
  CHECK(images[1]->flag("referrers") == true);
  CHECK(images[1]->platforms() == parse_platforms({"linux/amd64", "linux/arm64"}));
  CHECK(images[1]->position().line == 6);
  CHECK(images[1]->position_of("newest").line == 6);
  CHECK(images[2]->path("layout") == std::filesystem::current_path() / "oci");
  const auto files = manifest.section("files");
  REQUIRE(files.size() == 1);
  CHECK(files[0]->text("sha256") == std::string(64, 'a'));
  CHECK(files[0]->platforms().empty());
}

TEST_CASE("numbers that look like versions stay the text that was written", "[model][manifest]") {
  const Manifest manifest = parse("name: a\nimages:\n  - { ref: x, tags: [1.10, 0x1f, 1_000] }\n");
  CHECK(manifest.section("images")[0]->texts("tags") == std::vector<std::string>{"1.10", "0x1f", "1_000"});
}

TEST_CASE("platforms given on the command line replace the manifest's default, not an entry's own",
          "[model][manifest]") {
  const Manifest manifest = parse("name: a\nplatforms: linux/amd64\nimages: [x, {ref: y, platforms: linux/s390x}]\n",
                                  parse_platforms({"linux/arm64"}));
  CHECK(manifest.section("images")[0]->platforms() == parse_platforms({"linux/arm64"}));
  CHECK(manifest.section("images")[1]->platforms() == parse_platforms({"linux/s390x"}));
  CHECK(manifest.platforms == parse_platforms({"linux/arm64"}));
}

TEST_CASE("sections may be empty and upstreams are read", "[model][manifest]") {
  const Manifest manifest = parse(R"(
name: a
images:
upstreams:
  "Registry.example:5000": { plain_http: true, username_env: USER_NAME, password_env: PASS_WORD }
  npm: { url: "https://npm.corp.example/", token_env: NPM_TOKEN, ca_file: ca.pem, proxy: direct }
)");
  CHECK(manifest.entries.empty());
  const Upstream& registry = manifest.upstreams.at("registry.example:5000");
  CHECK(registry.plain_http);
  CHECK(registry.password_env == "PASS_WORD");
  const Upstream& npm = manifest.upstreams.at("npm");
  CHECK(npm.url == "https://npm.corp.example/");
  CHECK(npm.token_env == "NPM_TOKEN");
  CHECK(npm.proxy == "direct");
  CHECK(npm.ca_file == std::filesystem::current_path() / "dir/ca.pem");
}

TEST_CASE("the canonical text says what is wished for and nothing else", "[model][manifest]") {
  const std::string text = "name: a\nplatforms: linux/amd64\nimages: [x, {ref: y, tags: ['2', '1']}]\n";
  const std::string canonical = canonical_text(parse(text));
  CHECK(canonical == "name a\nimages ref=[\"x\"] platforms=[\"linux/amd64\"]\n"
                     "images ref=[\"y\"] tags=[\"1\",\"2\"] platforms=[\"linux/amd64\"]\n");
  CHECK(canonical_text(parse("# note\nname: a\nplatforms: linux/amd64\nimages: [{tags: ['1', '2'], ref: y}, {ref: x}]\n"
                             "upstreams: { h.example: { plain_http: true } }\n")) == canonical);
  CHECK(canonical_text(parse("name: a\nplatforms: linux/arm64\nimages: [x, {ref: y, tags: ['2', '1']}]\n")) !=
        canonical);
}

TEST_CASE("manifests are read from files, and a missing one is named", "[model][manifest]") {
  const base::TempDir folder;
  base::write_file_atomic(folder.path() / "a.yaml", "name: a\nimages: [{layout: oci}]\n");
  const Manifest manifest = read_manifests({folder.path() / "a.yaml"}, test_sections());
  CHECK(manifest.section("images")[0]->path("layout") == folder.path() / "oci");
  const auto error = test::error_of([&] { return read_manifests({folder.path() / "b.yaml"}, test_sections()); });
  CHECK(error.message().find("b.yaml") != std::string::npos);
}

TEST_CASE("a mapping's mistakes name the mapping, not an entry of it", "[model][manifest]") {
  const auto message = [](const std::string& section) {
    const auto error = test::error_of([&] { return parse_manifest("name: a\n" + section, "m.yaml", test_sections()); });
    CHECK(error.code() == base::ErrorCode::manifest);
    REQUIRE(error.position());
    CHECK(error.position()->line >= 2);
    return error.message();
  };
  CHECK(message("npm: [x]\n") == "'npm' must be a mapping");
  CHECK(message("npm: { dev: true }\n") == "'npm' needs some of 'packages', 'projects'");
  CHECK(message("npm: { package: x }\n") == "'package' is not an option of 'npm'");
  CHECK(message("npm: { packages: [] }\n") == "'packages' of 'npm' is an empty list");
  CHECK(message("npm: { projects: [] }\n") == "'projects' of 'npm' is an empty list");
}

}  // namespace airlock::model
