#include "ecosystem/pypi/detect.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/yaml.hpp"
#include "ecosystem/pypi/pyproject.hpp"
#include "ecosystem/pypi/questions.hpp"
#include "ecosystem/pypi/requirements_file.hpp"

namespace airlock::ecosystem::pypi {

namespace fs = std::filesystem;

namespace {

std::string describe(const fs::path& path) {
  if (path.extension() == ".toml") {
    const PyProject project = parse_pyproject(base::read_file(path, k_pyproject_limit), path.string());
    return fmt::format("{} requirements", project.dependencies.size());
  }
  const RequirementsFile file = read_requirements(path);
  return fmt::format("{} requirements{}", file.requirements.size(), file.require_hashes ? ", with hashes" : "");
}

bool is_pulumi_program(const fs::path& folder) {
  std::error_code ignored;
  const fs::path path = folder / "Pulumi.yaml";
  if (!fs::is_regular_file(path, ignored)) {
    return false;
  }
  const base::YamlNode document = base::read_yaml_file(path);
  const base::YamlNode* runtime = document.is_mapping() ? document.find("runtime") : nullptr;
  if (runtime != nullptr && runtime->is_mapping()) {
    runtime = runtime->find("name");
  }
  return runtime != nullptr && runtime->is_scalar() && runtime->scalar() == "python";
}

}  // namespace

std::vector<ProjectFinding> detect(const fs::path& folder) {
  std::vector<ProjectFinding> found;
  for (const std::string& file : project_files(folder)) {
    const fs::path path = folder / file;
    found.push_back({.file = file,
                     .what = describe(path),
                     .request = {.section = "pypi", .values = {{"projects", {path.string()}}}}});
  }
  if (is_pulumi_program(folder)) {
    found.push_back({.file = "Pulumi.yaml",
                     .what = "pip, setuptools and wheel for its virtual environment",
                     .request = {.section = "pypi", .values = {{"packages", {"pip", "setuptools", "wheel"}}}}});
  }
  return found;
}

}  // namespace airlock::ecosystem::pypi
