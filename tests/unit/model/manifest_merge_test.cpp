#include "base/error.hpp"
#include "base/files.hpp"
#include "model/manifest.hpp"
#include "sections.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::model {

using base::ErrorCode;

namespace {

// Two manifests in two folders, "a/m.yaml" and "b/m.yaml".
class Pair {
 public:
  Pair(std::string_view first, std::string_view second) {
    for (const auto& [name, text] : {std::pair{"a", first}, std::pair{"b", second}}) {
      base::make_directories(m_folder.path() / name);
      base::write_file_atomic(m_folder.path() / name / "m.yaml", text);
      m_files.push_back(m_folder.path() / name / "m.yaml");
    }
  }
  Manifest read() const { return read_manifests(m_files, test_sections()); }
  const std::vector<std::filesystem::path>& files() const { return m_files; }

 private:
  base::TempDir m_folder;
  std::vector<std::filesystem::path> m_files;
};

}  // namespace

TEST_CASE("the same entry in two manifests is one, with platforms and lists united", "[model][manifest_merge]") {
  const Pair pair("name: one\nplatforms: [linux/amd64]\nimages: [{ref: x, tags: ['1', '2']}, y]\n",
                  "name: two\nplatforms: [linux/arm64]\nimages: [{ref: x, tags: ['2', '3'], referrers: true}]\n");
  const Manifest manifest = pair.read();
  CHECK(manifest.name == "one");
  const auto images = manifest.section("images");
  REQUIRE(images.size() == 2);
  CHECK(images[0]->texts("tags") == std::vector<std::string>{"1", "2", "3"});
  CHECK(images[0]->platforms() == parse_platforms({"linux/amd64", "linux/arm64"}));
  CHECK(images[0]->flag("referrers") == true);
  CHECK(images[1]->platforms() == parse_platforms({"linux/amd64"}));
}

TEST_CASE("a second file may lack a name, and the first named one names the channel", "[model][manifest_merge]") {
  CHECK(Pair("images: [x]\n", "name: two\n").read().name == "two");
  const auto error = test::error_of([] { return Pair("images: [x]\n", "images: [y]\n").read(); });
  CHECK(error.code() == ErrorCode::manifest);
}

TEST_CASE("an entry without platforms means this host where another names some", "[model][manifest_merge]") {
  const Manifest manifest = Pair("name: a\nimages: [x]\n", "images: [{ref: x, platforms: windows/amd64}]\n").read();
  const std::vector<Platform> expected = {Platform::host(), Platform::parse("windows/amd64")};
  CHECK(manifest.section("images")[0]->platforms() == expected);
}

TEST_CASE("options that contradict each other name both places", "[model][manifest_merge]") {
  const Pair pair("name: a\nimages:\n  - { ref: x, newest: 2 }\n", "images: [{ref: x, newest: 3}]\n");
  const auto error = test::error_of([&] { return pair.read(); });
  CHECK(error.code() == ErrorCode::conflict);
  REQUIRE(error.position());
  CHECK(error.position()->file == pair.files()[1].string());
  CHECK(error.position()->line == 1);
  CHECK(error.message().find(pair.files()[0].string() + ":3") != std::string::npos);
  CHECK(error.message().find("'3'") != std::string::npos);
}

TEST_CASE("an entry twice in one file is one entry", "[model][manifest_merge]") {
  const Manifest manifest = Pair("name: a\nimages: [x, x, {ref: x, newest: 1}]\n", "{}").read();
  REQUIRE(manifest.section("images").size() == 1);
  CHECK(manifest.section("images")[0]->number("newest") == 1);
}

TEST_CASE("equal relative paths of two folders are two entries, equal files are one", "[model][manifest_merge]") {
  CHECK(Pair("name: a\nimages: [{layout: oci}]\n", "images: [{layout: oci}]\n").read().entries.size() == 2);
  CHECK(Pair("name: a\nimages: [{layout: oci}]\n", "images: [{layout: ../a/oci}]\n").read().entries.size() == 1);
}

TEST_CASE("entries come in order of sections, whatever file they stand in", "[model][manifest_merge]") {
  const Manifest manifest =
      Pair("name: a\nfiles: [{url: 'https://f.example/1'}]\n", "images: [x]\nfiles: [{url: 'https://f.example/2'}]\n")
          .read();
  REQUIRE(manifest.entries.size() == 3);
  CHECK(manifest.entries[0].section() == "images");
  CHECK(manifest.entries[1].text("url") == "https://f.example/1");
  CHECK(manifest.entries[2].text("url") == "https://f.example/2");
}

TEST_CASE("upstreams merge by the same rules", "[model][manifest_merge]") {
  const Manifest manifest =
      Pair("name: a\nupstreams: { h.example: { plain_http: true } }\n",
           "upstreams: { h.example: { token_env: T }, i.example: { url: 'https://j.example' } }\n")
          .read();
  CHECK(manifest.upstreams.size() == 2);
  CHECK(manifest.upstreams.at("h.example").plain_http);
  CHECK(manifest.upstreams.at("h.example").token_env == "T");

  const auto error = test::error_of([] {
    return Pair("name: a\nupstreams: { h.example: { url: 'https://one.example' } }\n",
                "upstreams: { h.example: { url: 'https://two.example' } }\n")
        .read();
  });
  CHECK(error.code() == ErrorCode::conflict);
}

TEST_CASE("a section that is a mapping is one entry, whatever manifests say of it", "[model][manifest_merge]") {
  const Pair pair("name: a\nnpm:\n  packages: [x, y]\n  projects: [app, ../b/app]\n",
                  "npm:\n  packages: y\n  projects: [app]\n  dev: true\n  platforms: [linux/arm64]\n");
  const Manifest manifest = pair.read();
  const auto npm = manifest.section("npm");
  REQUIRE(npm.size() == 1);
  CHECK(npm[0]->texts("packages") == std::vector<std::string>{"x", "y"});
  CHECK(npm[0]->flag("dev") == true);
  // "app" of the first and "../b/app" differ; the second one's "app" is the latter.
  const auto root = pair.files()[0].parent_path().parent_path();
  CHECK(npm[0]->paths("projects") == std::vector<std::filesystem::path>{root / "a/app", root / "b/app"});
  CHECK(npm[0]->texts("projects") == std::vector<std::string>{"app", "../b/app"});
}

TEST_CASE("options of a mapping that contradict each other name both places", "[model][manifest_merge]") {
  const Pair pair("name: a\nnpm: { packages: x, dev: true }\n", "npm: { packages: x, dev: false }\n");
  const auto error = test::error_of([&] { return pair.read(); });
  CHECK(error.code() == ErrorCode::conflict);
  CHECK(error.message().find("a/m.yaml") != std::string::npos);
}

}  // namespace airlock::model
