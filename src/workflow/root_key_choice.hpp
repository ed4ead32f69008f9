// Which keys a change of root means, by ids as people shorten them. For root_change.cpp.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "trust/metadata.hpp"
#include "workflow/home.hpp"
#include "workflow/root_change.hpp"

namespace airlock::workflow {

// The one key that a prefix means, and its role; of `role` alone where that is not empty. Throws usage.
struct KeyOfRole {
  std::string role, keyid;
};
KeyOfRole find_key_of_role(const trust::Root& root, const std::string& prefix, const std::string& role);

// The key that a change of kind rotate puts another in the place of: the one that it names, the role's only one, or the
// only one of the role that is reached from `home`. Throws usage where none of that leads to one.
std::string replaced_keyid(const Home& home, const trust::Root& root, const RootChange& change);

}  // namespace airlock::workflow
