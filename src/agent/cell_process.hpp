// The process around a job: `airlock agent cell`, started by the agent and by nobody else. It makes the namespaces, and
// its child is the first process in them: it starts what the agent asks for and reaps what ends. When the agent is
// gone, or this child ends, the kernel ends every process of the job.
#pragma once

namespace airlock::agent {

// `channel`: the agent's socket (cell_channel.hpp), on which a CellSpec comes first. Returns an exit code.
int run_cell_process(int channel);

}  // namespace airlock::agent
