// Running another program: an argument vector, never a shell.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace airlock::base {

struct ProcessOptions {
  std::vector<std::string> argv;                        // argv[0] is looked up on PATH
  std::string input;                                    // written to its stdin, then closed
  std::map<std::string, std::string> environment;       // added to, or replacing, our own
  std::chrono::seconds timeout{60};                     // then it is killed, with its process group
  std::size_t output_limit = std::size_t{1024} * 1024;  // bytes of stdout and of stderr each; more throws limit
};

struct ProcessResult {
  int exit_code = 0;   // 128 + signal where a signal ended it
  std::string output;  // stdout
  std::string errors;  // stderr
};

// Throws not_found when the program is not there, io otherwise; a non-zero exit is data.
ProcessResult run_process(const ProcessOptions& options);
bool program_exists(std::string_view name);

}  // namespace airlock::base
