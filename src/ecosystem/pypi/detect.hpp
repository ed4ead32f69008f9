#pragma once

#include <filesystem>
#include <vector>

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::pypi {

// requirements*.txt and pyproject.toml of `folder`. In the folder of a Pulumi program in Python also what Pulumi
// installs into each new virtual environment: pip, setuptools and wheel.
std::vector<ProjectFinding> detect(const std::filesystem::path& folder);

}  // namespace airlock::ecosystem::pypi
