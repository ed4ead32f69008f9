// `HOME/control/control.db`: pools, tokens, agents, deployments. Written by the server alone; one list of schema steps
// for all its tables (docs/formats/deployments-api.md, Database).
#pragma once

#include <filesystem>

#include "base/sqlite.hpp"

namespace airlock::control {

// Everything of the control plane lies below it, mode 0700: database, logs, sources, keys.
std::filesystem::path control_folder(const std::filesystem::path& home);
// Created and brought up to date where need be; throws io where the home cannot be written.
base::Database open_control_db(const std::filesystem::path& home);
// For a file that comes from elsewhere: throws tampered, unsupported (base::require_schema).
void require_control_db(const std::filesystem::path& file);

}  // namespace airlock::control
