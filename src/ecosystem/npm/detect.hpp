#pragma once

#include <filesystem>
#include <vector>

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::npm {

// package.json, package-lock.json and npm-shrinkwrap.json in `folder` itself.
std::vector<ProjectFinding> detect(const std::filesystem::path& folder);

}  // namespace airlock::ecosystem::npm
