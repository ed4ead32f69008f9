// `status`, `audit` and `wants`: what a home knows of itself.
#pragma once

namespace CLI {
class App;
}

namespace airlock::cli {

struct Session;

void add_home_commands(CLI::App& app, Session& session);
void add_who_command(CLI::App& store, Session& session);   // store_who.cpp: `store who`
void add_audit_commands(CLI::App& app, Session& session);  // audit.cpp; part of the above

}  // namespace airlock::cli
