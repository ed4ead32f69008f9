// The commands below `keys` that lead from one root to the next.
#pragma once

#include "cli/session.hpp"

namespace airlock::cli {

void add_keys_change_commands(CLI::App& keys, Session& session);
void add_keys_restore_command(CLI::App& keys, Session& session);

}  // namespace airlock::cli
