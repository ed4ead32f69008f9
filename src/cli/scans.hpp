// What the site's scanner has to do with the store.
#pragma once

namespace CLI {
class App;
}

namespace airlock::cli {

struct Session;

void check_with_scanner(Session& session);  // `store check --scan`
void add_scans_command(CLI::App& store, Session& session);

}  // namespace airlock::cli
