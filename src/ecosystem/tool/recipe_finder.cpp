#include "ecosystem/tool/recipe_finder.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/text.hpp"
#include "ecosystem/openpgp.hpp"
#include "ecosystem/tool/built_in_recipes.hpp"

namespace airlock::ecosystem::tool {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_recipe_limit = 256 * 1024;  // bytes
constexpr std::size_t k_key_limit = 4 * 1024 * 1024;

Recipe read_recipe(const fs::path& path) {
  Recipe recipe = parse_recipe(base::read_file(path, k_recipe_limit), path.string());
  recipe.folder = path.parent_path();
  return recipe;
}

// A recipe for what the entry says alone: upstream's names of systems and machines are taken to be Go's.
Recipe bare_recipe(const std::string& name) {
  Recipe recipe;
  recipe.name = name;
  for (const char* os : {"linux", "darwin", "windows", "freebsd", "openbsd", "netbsd"}) {
    recipe.os[os] = os;
  }
  for (const char* arch : {"amd64", "arm64", "arm", "386", "ppc64le", "s390x", "riscv64", "loong64"}) {
    recipe.arch[arch] = arch;
  }
  return recipe;
}

Recipe base_recipe(const model::Entry& entry, const std::string& name, const fs::path& recipes) {
  if (entry.has("recipe")) {
    try {
      return read_recipe(entry.path("recipe"));
    } catch (Error& error) {
      error.with_context(
          fmt::format("while reading the recipe that {} names", entry.position_of("recipe").to_string()));
      throw;
    }
  }
  if (!recipes.empty() && fs::exists(recipes / (name + ".yaml"))) {
    return read_recipe(recipes / (name + ".yaml"));
  }
  const auto& built_in = built_in_recipes();
  const auto found = std::find_if(built_in.begin(), built_in.end(), [&](const Recipe& r) { return r.name == name; });
  if (found != built_in.end()) {
    return *found;
  }
  if (entry.has("url")) {
    return bare_recipe(name);
  }
  std::vector<std::string> names;
  std::transform(built_in.begin(), built_in.end(), std::back_inserter(names), [](const Recipe& r) { return r.name; });
  const auto near = base::nearest(name, names);
  throw Error(ErrorCode::manifest, fmt::format("there is no recipe for the tool '{}'", name))
      .at(entry.position_of("name"))
      .with_hint(fmt::format("{}give the entry a `url:`, or a `recipe:` file (docs/ecosystems/tool.md)",
                             near ? fmt::format("did you mean '{}'? If not, ", *near) : std::string()));
}

Template entry_template(const model::Entry& entry, std::string_view field) {
  return Template::parse(entry.text(field), entry.position_of(field));
}

}  // namespace

const std::vector<Recipe>& built_in_recipes() {
  static const std::vector<Recipe> recipes = [] {
    std::vector<Recipe> parsed;
    for (const BuiltInFile& file : built_in_files()) {
      if (file.name.ends_with(".yaml")) {
        parsed.push_back(parse_recipe(file.content, fmt::format("manifests/tools/{}", file.name)));
      }
    }
    return parsed;
  }();
  return recipes;
}

Recipe find_recipe(const model::Entry& entry, const fs::path& recipes) {
  const std::string name = entry.text("name");
  check_tool_name(name, entry.position_of("name"));
  Recipe recipe = base_recipe(entry, name, recipes);
  recipe.name = name;
  if (entry.has("url")) {
    recipe.url.by_os = {{"default", entry_template(entry, "url")}};
    recipe.file = {};
  }
  if (entry.has("checksums")) {
    recipe.checksums = ChecksumSource{.url = entry_template(entry, "checksums"), .format = {}};
    if (recipe.signature && recipe.signature->of == Signed::checksums) {
      recipe.signature.reset();  // it belongs to the recipe's own checksum file
    }
  }
  if (entry.has("signature")) {
    recipe.signature = SignatureSource{.kind = SignatureKind::gpg,
                                       .of = recipe.checksums ? Signed::checksums : Signed::file,
                                       .urls = {entry_template(entry, "signature")},
                                       .key = {},
                                       .key_fingerprints = {},
                                       .key_url = {}};
  }
  if (entry.has("key_fingerprint")) {
    const auto fingerprint = parse_fingerprint(entry.text("key_fingerprint"));
    if (!fingerprint) {
      throw Error(ErrorCode::manifest,
                  fmt::format("'{}' is no OpenPGP fingerprint", base::printable(entry.text("key_fingerprint"), 80)))
          .at(entry.position_of("key_fingerprint"))
          .with_hint("all of its 40 hexadecimal digits; a key id is too short to tell keys apart");
    }
    if (!recipe.signature || recipe.signature->kind != SignatureKind::gpg) {
      throw Error(ErrorCode::manifest, fmt::format("nothing of '{}' is signed with OpenPGP", name))
          .at(entry.position_of("key_fingerprint"))
          .with_hint("`signature:` names the detached signature of the checksum file");
    }
    recipe.signature->key_fingerprints = {*fingerprint};
  } else if (entry.has("key") && recipe.signature) {
    recipe.signature->key_fingerprints.clear();  // who names a key answers for it
  }
  return recipe;
}

std::optional<std::string> find_key(const model::Entry& entry, const Recipe& recipe, const fs::path& recipes) {
  if (entry.has("key")) {
    return base::read_file(entry.path("key"), k_key_limit);
  }
  if (!recipe.signature || recipe.signature->key.empty()) {
    return std::nullopt;
  }
  const std::string& name = recipe.signature->key;
  for (const fs::path& folder : {recipe.folder, recipes}) {
    if (folder.empty()) {
      continue;
    }
    if (auto key = base::read_file_if_exists(folder / name, k_key_limit)) {
      return key;
    }
  }
  for (const BuiltInFile& file : built_in_files()) {
    if (file.name == name) {
      return std::string(file.content);
    }
  }
  return std::nullopt;
}

}  // namespace airlock::ecosystem::tool
