// What an entry of the manifest asks: for which Pythons and platforms, and each list of requirements that is to be met.
#pragma once

#include <string>
#include <vector>

#include "base/reporter.hpp"
#include "ecosystem/pypi/solver.hpp"
#include "model/manifest.hpp"

namespace airlock::ecosystem::pypi {

// Every Python with every platform and libc. Throws manifest at the entry for a version that is none.
std::vector<Target> targets_of(const model::Entry& entry);

struct Task {
  std::string name;  // for messages: "packages", "svc/requirements.txt"
  Question question;
};
// `packages` together are one task; each file of `projects` is one, and so is what building it needs. Throws manifest,
// with the place, for what cannot be read.
std::vector<Task> tasks_of(const model::Entry& entry, base::Reporter& reporter);

// The files in `folder` itself that say what a project needs: requirements*.txt, pyproject.toml.
std::vector<std::string> project_files(const std::filesystem::path& folder);

}  // namespace airlock::ecosystem::pypi
