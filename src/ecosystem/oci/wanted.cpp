#include "ecosystem/oci/wanted.hpp"

#include "ecosystem/internal_host.hpp"

namespace airlock::ecosystem::oci {

Wanted wanted(std::string_view name) {
  return {.request = model::Request{.section = "images", .values = {{"ref", {std::string(name)}}}},
          .is_private = is_internal_host(name.substr(0, name.find('/')))};
}

}  // namespace airlock::ecosystem::oci
