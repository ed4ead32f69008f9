#include "ecosystem/tool/recipe_finder.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "ecosystem/tool/tool.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::tool {

using base::ErrorCode;

namespace {

const std::string k_recipe = R"(name: demo
description: A demo.
license: MIT
url: https://h.example/demo-{version}-{os}-{arch}
os: { linux: linux }
arch: { amd64: amd64 }
checksums: { url: "https://h.example/SHA256SUMS" }
signature: { kind: gpg, url: "{checksums}.asc", key: keys/demo.asc }
)";

struct Folder {
  base::TempDir folder;

  model::Manifest manifest(const std::string& entry) const {
    return model::parse_manifest("name: a\ntools: [" + entry + "]\n", (folder.path() / "m.yaml").string(),
                                 descriptor().sections);
  }
  void write(const std::string& name, std::string_view content) const {
    base::make_directories((folder.path() / name).parent_path());
    base::write_file_atomic(folder.path() / name, content);
  }
  Recipe find(const std::string& entry, const std::filesystem::path& recipes = {}) const {
    const model::Manifest parsed = manifest(entry);
    return find_recipe(parsed.entries.at(0), recipes);
  }
  std::optional<std::string> key(const std::string& entry, const std::filesystem::path& recipes = {}) const {
    const model::Manifest parsed = manifest(entry);
    return find_key(parsed.entries.at(0), find_recipe(parsed.entries.at(0), recipes), recipes);
  }
};

}  // namespace

TEST_CASE("recipes come from the entry, the folder or the program, in that order", "[ecosystem][tool]") {
  const Folder folder;
  folder.write("own.yaml", k_recipe);
  folder.write("recipes/helm.yaml", k_recipe);
  CHECK(folder.find("{name: helm, version: 1}").license == "Apache-2.0");
  CHECK(folder.find("{name: helm, version: 1}", folder.folder.path() / "recipes").license == "MIT");
  CHECK(folder.find("{name: anything, version: 1, recipe: own.yaml}").license == "MIT");
  CHECK(folder.find("{name: anything, version: 1, recipe: own.yaml}").name == "anything");
}

TEST_CASE("an unknown tool gets a suggestion and the ways out", "[ecosystem][tool]") {
  const Folder folder;
  const auto error = test::error_of([&] { return folder.find("{name: opentoffu, version: 1}"); });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK(error.position()->line == 2);
  CHECK(error.hint().find("did you mean 'opentofu'?") != std::string::npos);
  CHECK(error.hint().find("`url:`") != std::string::npos);
}

TEST_CASE("an entry with a url needs no recipe", "[ecosystem][tool]") {
  const Folder folder;
  const Recipe recipe =
      folder.find("{name: own, version: 1, url: 'https://h.example/{os}/{arch}', checksums: 'https://h.example/sums', "
                  "signature: '{checksums}.sig'}");
  CHECK(recipe.url.at("linux").text() == "https://h.example/{os}/{arch}");
  CHECK(recipe.checksums);
  CHECK(recipe.signature->kind == SignatureKind::gpg);
}

TEST_CASE("checksums of one's own drop the signature over the recipe's", "[ecosystem][tool]") {
  const Folder folder;
  CHECK(folder.find("{name: opentofu, version: 1}").signature);
  CHECK_FALSE(folder.find("{name: opentofu, version: 1, checksums: 'https://h.example/sums'}").signature);
}

TEST_CASE("a missing or malformed recipe file is named with the entry that asks for it", "[ecosystem][tool]") {
  const Folder folder;
  folder.write("bad.yaml", "name: x\n");
  const auto error = test::error_of([&] { return folder.find("{name: x, version: 1, recipe: bad.yaml}"); });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK(error.position()->file.ends_with("bad.yaml"));
  REQUIRE(error.context().size() == 1);
  CHECK(error.context()[0].find("m.yaml:2") != std::string::npos);
  CHECK(test::code_of([&] { return folder.find("{name: x, version: 1, recipe: absent.yaml}"); }) ==
        ErrorCode::not_found);
}

TEST_CASE("keys lie beside the recipe, in the folder of recipes, or where the entry says", "[ecosystem][tool]") {
  const Folder folder;
  folder.write("own.yaml", k_recipe);
  CHECK_FALSE(folder.key("{name: demo, version: 1, recipe: own.yaml}"));
  folder.write("recipes/keys/demo.asc", "from the folder");
  CHECK(folder.key("{name: demo, version: 1, recipe: own.yaml}", folder.folder.path() / "recipes") ==
        "from the folder");
  folder.write("keys/demo.asc", "beside");
  CHECK(folder.key("{name: demo, version: 1, recipe: own.yaml}", folder.folder.path() / "recipes") == "beside");
  folder.write("mine.asc", "mine");
  CHECK(folder.key("{name: demo, version: 1, recipe: own.yaml, key: mine.asc}") == "mine");
  CHECK(test::code_of([&] { return folder.key("{name: helm, version: 1, key: absent.asc}"); }) == ErrorCode::not_found);
}

}  // namespace airlock::ecosystem::tool
