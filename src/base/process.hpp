// Running another program: an argument vector, never a shell.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace airlock::base {

// In a group of its own, a program that is stopped takes its children with it. In ours it may ask a person on the
// terminal, for a PIN say, and only the program itself is stopped.
enum class ProcessGroup { own, ours };

struct ProcessOptions {
  std::vector<std::string> argv;  // argv[0] is looked up on PATH
  std::string input;              // written to its stdin, then closed
  // More of it, after `input`: called until it gives nothing. What it throws ends the child. A child that closes its
  // stdin is not asked for.
  std::function<std::span<const std::byte>()> more_input;
  int input_fd = -1;                                    // borrowed: its stdin as it is, in place of the above
  std::string directory = {};                           // it runs there; empty: in ours
  std::map<std::string, std::string> environment;       // added to, or replacing, our own
  std::chrono::seconds timeout{60};                     // then it is killed, with a group of its own
  std::size_t output_limit = std::size_t{1024} * 1024;  // bytes of stdout and of stderr each
  enum class Beyond { throws, discards } beyond = Beyond::throws;  // the limit: throws limit, or reads and drops it
  enum class Inherit {
    everything,
    basics
  } inherit = Inherit::everything;  // of our environment; basics: what programs
                                    // need to run at all, and no secret
  ProcessGroup group = ProcessGroup::own;
  std::function<void(std::string_view)> on_errors;  // given what it writes to stderr, as it comes; may be empty
};

struct ProcessResult {
  int exit_code = 0;            // 128 + signal where a signal ended it
  std::string output;           // stdout
  std::string errors;           // stderr
  std::uint64_t discarded = 0;  // bytes of stdout beyond the limit
};

// Throws not_found when the program is not there, io otherwise; a non-zero exit is data.
ProcessResult run_process(const ProcessOptions& options);
bool program_exists(std::string_view name);

}  // namespace airlock::base
