// What this site withholds, for whoever looks: since when, why, by whom, and which file it is.
#pragma once

#include <string>
#include <vector>

#include "store/state_db.hpp"

namespace airlock::workflow {

struct WithheldFile {
  store::WithheldBlob blob;
  std::string ecosystem, path, artifact;  // of the newest generation that names it; empty: none that is here does
  std::string reason, ticket, user;       // as the audit log has them; empty where it does not tell
};

// By channel, producer and digest. Reads the log, and rows of generations until each blob was met.
std::vector<WithheldFile> list_withheld(const store::StateDb& state);

}  // namespace airlock::workflow
