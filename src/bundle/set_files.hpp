// The files of sets by what their first member says, whether or not a head is among them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace airlock::bundle {

struct SetFiles {
  std::string set;                           // as in their hints, which nothing has proven
  std::vector<std::filesystem::path> files;  // heads and volumes, each in one spelling; some may be here twice
};

// Of a folder all sets, in the order in which they are found; of a file its own set, with what of that lies beside it.
// A file in a folder that cannot be read is a finding, one that is no part of a set is passed over. Throws not_found,
// io, limit (list_heads), and malformed where `paths` names a file that is no part of a set, not_found where there is
// none.
std::vector<SetFiles> list_sets(const std::vector<std::filesystem::path>& paths, std::vector<base::Finding>& findings);

}  // namespace airlock::bundle
