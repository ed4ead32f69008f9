// What the files of `airlock deploy` share.
#pragma once

#include <string>

#include "base/json.hpp"
#include "cli/server_access.hpp"

namespace CLI {
class App;
}

namespace airlock::cli {

struct Session;

// The API's path of a stack, given as "project/stack" (of `organization`) or "organization/project/stack"; throws
// usage.
std::string stack_path(const std::string& stack, const std::string& organization);

// A deployment as people name it: its id, "STACK@VERSION", or a stack for its newest. Throws usage, not_found.
struct FoundDeployment {
  std::string path;  // of the API
  base::Json json;
};
FoundDeployment find_deployment(ServerAccess& server, const std::string& name, const std::string& organization);

std::string json_text(const base::Json& object, const char* key);  // printable; "" where it is no text

enum class Follow { no, yes };
struct LogView {
  Follow follow = Follow::no;
  bool timestamps = false;
};
// Prints the log as it comes, to stdout; with --json it collects lines instead. Returns the deployment as it was at the
// end, and sets the exit code where it has ended badly.
base::Json show_log(Session& session, ServerAccess& server, const FoundDeployment& deployment, const LogView& view,
                    base::Json& lines);

void add_deploy_create_command(CLI::App& deploy, Session& session);
void add_deploy_logs_command(CLI::App& deploy, Session& session);
void add_deploy_settings_commands(CLI::App& deploy, Session& session);

}  // namespace airlock::cli
