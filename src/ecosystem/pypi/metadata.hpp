// Core metadata: METADATA of a wheel, PKG-INFO of a source archive (Core metadata specifications of the PyPA). Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/pypi/requirement.hpp"

namespace airlock::ecosystem::pypi {

inline constexpr std::size_t k_metadata_limit = std::size_t{8} << 20;  // bytes

struct Metadata {
  std::string name;     // as given
  std::string version;  // as given
  std::string requires_python;
  std::vector<Requirement> requirements;
  std::set<std::string> extras;        // normalised
  bool requirements_are_known = true;  // false: only a build would tell ("Dynamic", or before version 2.2)

  bool needs(std::string_view project) const;  // among the requirements, whatever their markers say
};

// Throws malformed when name or version are missing, or a requirement cannot be read. `what` names it.
Metadata parse_metadata(std::string_view text, std::string_view what);

}  // namespace airlock::ecosystem::pypi
