// The first process inside a job's namespaces.
#pragma once

#include "agent/cell_spec.hpp"

namespace airlock::agent {

// Starts commands from `channel`, reports their ends, and returns when the other side is gone; with it the kernel ends
// all that is left.
void serve_cell_commands(const CellSpec& spec, int channel);

}  // namespace airlock::agent
