#include "ecosystem/npm/wanted.hpp"

#include "base/error.hpp"
#include "ecosystem/npm/names.hpp"

namespace airlock::ecosystem::npm {

Wanted wanted(std::string_view name) {
  try {
    const Requirement requirement = parse_package(name);
    const std::string text =
        requirement.wanted.empty() ? requirement.name : requirement.name + "@" + requirement.wanted;
    return {.request = model::Request{.section = "npm", .values = {{"packages", {text}}}}};
  } catch (const base::Error&) {
    return {};
  }
}

}  // namespace airlock::ecosystem::npm
