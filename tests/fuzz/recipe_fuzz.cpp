// A recipe is read or refused by place; one that is read gives URLs for every platform that it claims.
#include "base/error.hpp"
#include "ecosystem/tool/recipe.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using ecosystem::tool::Template;
  ecosystem::tool::Recipe recipe;
  try {
    recipe = ecosystem::tool::parse_recipe(fuzz::as_text(data, size), "input");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::manifest, "every refusal is a mistake in the recipe");
    return 0;
  }
  for (const auto& [os, upstream_os] : recipe.os) {
    for (const auto& [arch, upstream_arch] : recipe.arch) {
      try {
        const auto variables = ecosystem::tool::variables_for(recipe, "1.2.3", model::Platform::parse(os + "/" + arch));
        static_cast<void>(recipe.url.at(os).expand(variables, Template::For::url));
      } catch (const base::Error& error) {
        fuzz::require(error.code() == base::ErrorCode::manifest, "what cannot be had is a mistake in the recipe");
      }
    }
  }
  return 0;
}
