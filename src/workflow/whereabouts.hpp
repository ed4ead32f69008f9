// Where a content, or what bears a name, lies in this store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "store/state_db.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

struct Whereabouts {
  base::Digest sha256;
  std::uint64_t length = 0;
  std::vector<std::string> artifacts;          // purls whose file it is; sorted
  std::vector<std::string> paths;              // "npm left-pad/-/left-pad-1.3.0.tgz", at most k_most_paths; sorted
  std::vector<store::Generation> generations;  // that name it, oldest first
  bool present = false;                        // its bytes are here
  bool served = false;  // an active generation has it, and it is neither withheld, blocked nor revoked
  std::string denied;   // where one does and it is not: why, for people
};
inline constexpr std::size_t k_most_paths = 20;

// `what` is a digest ("sha256:…", or its 64 hex digits alone), a path as catalogs have it, a purl, or an artifact's
// name with or without its version ("left-pad", "left-pad@1.3.0"). Names are looked up in what is served, and, where
// that has nothing, in all that is here. Throws not_found.
std::vector<Whereabouts> find_content(const Home& home, std::string_view what);

}  // namespace airlock::workflow
