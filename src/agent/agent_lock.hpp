// One agent a directory.
#pragma once

#include <filesystem>

#include "base/files.hpp"

namespace airlock::agent {

// Makes the directory and takes its lock. A process that a killed agent had just started may hold that for a moment
// longer, so this asks for a few seconds; then it throws busy.
base::FileLock lock_agent_directory(const std::filesystem::path& directory);

}  // namespace airlock::agent
