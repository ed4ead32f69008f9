// What an agent that was killed had not sent yet.
#pragma once

#include <filesystem>
#include <vector>

#include "agent/spool.hpp"

namespace airlock::agent {

// Folders of spools below `parent`. One without an owner was being made when its agent was killed: nothing is in it,
// and it is removed.
std::vector<std::filesystem::path> find_left_spools(const std::filesystem::path& parent);

// For a spool whose agent was killed: ends its running steps and completes it.
void end_as_lost(Spool& spool);

}  // namespace airlock::agent
