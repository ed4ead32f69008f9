#include "ecosystem/oci/wanted.hpp"

#include "ecosystem/names_of_inside.hpp"

namespace airlock::ecosystem::oci {

Wanted wanted(std::string_view name) {
  return {.request = model::Request{.section = "images", .values = {{"ref", {std::string(name)}}}},
          .is_private = is_name_of_inside(name.substr(0, name.find('/')))};
}

}  // namespace airlock::ecosystem::oci
