#include <csignal>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "cli/run.hpp"

int main(int argc, char** argv) {
  airlock::base::install_interrupt_handlers();
  // A client that hangs up, or `airlock … | head`, is an error of one write and not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  return airlock::cli::run({argv + (argc > 0 ? 1 : 0), argv + argc});
}
