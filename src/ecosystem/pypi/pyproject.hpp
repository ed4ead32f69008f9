// What a pyproject.toml asks for: the project's dependencies, and what building it needs (PEP 518, 621).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/pypi/requirement.hpp"

namespace airlock::ecosystem::pypi {

inline constexpr std::size_t k_pyproject_limit = std::size_t{4} << 20;  // bytes

struct PyProject {
  std::string name;  // as given; may be empty
  std::vector<Requirement> dependencies;
  std::vector<Requirement> build;      // of [build-system]; setuptools where a project gives none
  bool dependencies_are_known = true;  // false: they are "dynamic", and only a build would tell
};

// Throws manifest with file and line where the text is no TOML, malformed where a requirement is none.
PyProject parse_pyproject(std::string_view text, const std::string& file);

// What building a source archive needs; `pyproject` is its pyproject.toml, if it has one.
std::vector<Requirement> build_requirements(const std::optional<std::string>& pyproject, const std::string& file);

}  // namespace airlock::ecosystem::pypi
