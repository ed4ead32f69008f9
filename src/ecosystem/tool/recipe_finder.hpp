// Which recipe an entry means, with what the entry itself says put over it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ecosystem/tool/recipe.hpp"
#include "model/manifest.hpp"

namespace airlock::ecosystem::tool {

// All that are compiled in, by name.
const std::vector<Recipe>& built_in_recipes();

// The entry's `recipe` file, else NAME.yaml in the folder `recipes` (which may be empty), else the built-in one, else
// none but what the entry says, which then needs a `url`. Throws manifest at the entry, with a suggestion for a
// misspelt name.
Recipe find_recipe(const model::Entry& entry, const std::filesystem::path& recipes);

// The armoured key that a recipe's signature names: the entry's `key`, else the recipe's beside its file, in the folder
// `recipes`, or compiled in. nullopt when there is none.
std::optional<std::string> find_key(const model::Entry& entry, const Recipe& recipe,
                                    const std::filesystem::path& recipes);

}  // namespace airlock::ecosystem::tool
