#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cell_process.hpp"
#include "base/interrupt.hpp"
#include "cli/run.hpp"

int main(int argc, char** argv) {
  // The process around a job of `airlock agent run`, started by it with a channel as descriptor 3: no command for
  // people, and nothing of the command line is set up for it.
  if (argc == 3 && std::string_view(argv[1]) == "agent" && std::string_view(argv[2]) == "cell") {
    return airlock::agent::run_cell_process(3);
  }
  airlock::base::install_interrupt_handlers();
  // A client that hangs up, or `airlock … | head`, is an error of one write and not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  // Likewise a file that would grow beyond what this user may write (RLIMIT_FSIZE).
  std::signal(SIGXFSZ, SIG_IGN);
  return airlock::cli::run({argv + (argc > 0 ? 1 : 0), argv + argc});
}
