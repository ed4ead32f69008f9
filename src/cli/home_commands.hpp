// `status`, `audit` and `wants`: what a home knows of itself.
#pragma once

namespace CLI {
class App;
}

namespace airlock::cli {

struct Session;

void add_home_commands(CLI::App& app, Session& session);

}  // namespace airlock::cli
