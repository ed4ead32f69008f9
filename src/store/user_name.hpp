// Who did it, for the audit log and for blocks. For the files of this folder only.
#pragma once

#include <string>

namespace airlock::store {

// The real user: who started this, also under a set-user-id wrapper. Root is often somebody else, who came by sudo;
// what sudo left in the environment is believed of root only, who could write here whatever pleases him.
std::string user_name();

}  // namespace airlock::store
