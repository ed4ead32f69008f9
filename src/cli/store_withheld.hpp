// `airlock store list --withheld`.
#pragma once

namespace airlock::cli {

struct Session;

void show_withheld(Session& session);

}  // namespace airlock::cli
