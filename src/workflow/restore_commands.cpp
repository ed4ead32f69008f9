#include "workflow/restore_commands.hpp"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "workflow/key_store.hpp"
#include "workflow/policy.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;

constexpr std::size_t k_brought_policy_limit = 1u << 20;  // bytes
constexpr std::size_t k_signer_digits = 12;               // hex, of a key in a line for people

fs::path policy_of(const Home& home) {
  return home.config / "policy.yaml";
}

// What `read` adds; where it cannot, that this is so.
template <typename Read>
void add_from(const std::string& file, std::vector<BroughtCommand>& commands, const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    if (error.code() == base::ErrorCode::io || error.code() == base::ErrorCode::interrupted) {
      throw;
    }
    commands.push_back({.file = file, .what = fmt::format("cannot be read: {}", error.message()), .argv = {}});
  }
}

std::vector<BroughtCommand> commands_of(const Home& home) {
  std::vector<BroughtCommand> commands;
  const std::string policy_file = "policy.yaml";
  add_from(policy_file, commands, [&] {
    const auto text = base::read_file_if_exists(policy_of(home), k_brought_policy_limit);
    const auto scan = text ? parse_site_policy(*text, policy_file).scan : std::nullopt;
    if (!scan) {
      return;
    }
    for (const auto& [what, argv] :
         {std::pair("scan.command", &scan->command), std::pair("scan.files_command", &scan->files_command),
          std::pair("scan.version_command", &scan->version_command)}) {
      if (!argv->empty()) {
        commands.push_back({.file = policy_file, .what = what, .argv = *argv});
      }
    }
  });
  const std::string keys_file = "keys/keys.json";
  add_from(keys_file, commands, [&] {
    for (const auto& [keyid, place] : read_key_settings(home).places) {
      if (place.command) {
        commands.push_back({.file = keys_file,
                            .what = fmt::format("signer of key {}", keyid.substr(0, k_signer_digits)),
                            .argv = place.command->argv});
      }
    }
  });
  return commands;
}

}  // namespace

std::vector<BroughtCommand> brought_commands(const Home& staged, const Home& present) {
  auto brought = commands_of(staged);
  std::error_code ignored;
  if (present.config != present.root && fs::exists(policy_of(present), ignored)) {
    std::erase_if(brought, [](const BroughtCommand& command) { return command.file == "policy.yaml"; });
  }
  const auto now = commands_of(present);
  for (auto& command : brought) {
    command.in_force = !command.argv.empty() &&
                       std::ranges::any_of(now, [&](const BroughtCommand& other) { return other.same_as(command); });
  }
  return brought;
}

}  // namespace airlock::workflow
