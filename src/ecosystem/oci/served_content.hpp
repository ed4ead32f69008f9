// Looking up what a pull asks for: names and references to rows of the catalog, and why something is not
// there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/oci/source.hpp"
#include "store/catalog.hpp"

namespace airlock::ecosystem::oci {

// What was found for one request, or why nothing was.
struct Lookup {
  enum class State { found, unknown_repository, unknown, left_out, withheld };
  State state = State::unknown;
  store::CatalogRow row;   // of found, left_out and withheld
  std::string repository;  // "HOST/REPO" where it was found, else the first that the name can mean
  std::string digest;      // as to be stated to the client, in the algorithm that it asked in
};

// `repositories` in order of preference. `reference` is a tag or a digest; of another algorithm too, through
// the catalog's aliases.
Lookup find_content(const store::Catalog& catalog, const std::vector<std::string>& repositories,
                    std::string_view reference, Source::Part part);

// One sentence for the error body.
std::string why_absent(const Lookup& lookup, std::string_view reference);

}  // namespace airlock::ecosystem::oci
