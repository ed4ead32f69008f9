#include "ecosystem/pypi/pyproject.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/toml.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::size_t k_most_dependencies = 10'000;
constexpr std::string_view k_default_backend = "setuptools>=40.8.0";  // what pip takes where nothing is said

const Json* table(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? &*found : nullptr;
}

std::vector<Requirement> requirements(const Json& object, const char* key, const std::string& file) {
  std::vector<Requirement> found;
  const auto list = object.find(key);
  if (list == object.end()) {
    return found;
  }
  if (!list->is_array() || list->size() > k_most_dependencies) {
    throw Error(ErrorCode::malformed, fmt::format("'{}' in {} is no list of requirements", key, file));
  }
  for (const Json& entry : *list) {
    if (!entry.is_string()) {
      throw Error(ErrorCode::malformed, fmt::format("'{}' in {} holds what is no requirement", key, file));
    }
    found.push_back(base::with_context([&] { return fmt::format("reading {}", file); },
                                       [&] { return Requirement::parse(entry.get_ref<const std::string&>()); }));
  }
  return found;
}

}  // namespace

PyProject parse_pyproject(std::string_view text, const std::string& file) {
  const Json document = base::parse_toml(text, file);
  PyProject found;
  if (const Json* project = table(document, "project")) {
    if (const auto name = project->find("name"); name != project->end() && name->is_string()) {
      found.name = name->get<std::string>();
    }
    found.dependencies = requirements(*project, "dependencies", file);
    if (const auto dynamic = project->find("dynamic"); dynamic != project->end() && dynamic->is_array()) {
      for (const Json& field : *dynamic) {
        found.dependencies_are_known = found.dependencies_are_known && field != "dependencies";
      }
    }
  }
  const Json* build = table(document, "build-system");
  if (build != nullptr) {
    found.build = requirements(*build, "requires", file);
  } else if (document.contains("project")) {
    found.build = {Requirement::parse(k_default_backend)};
  }
  return found;
}

std::vector<Requirement> build_requirements(const std::optional<std::string>& pyproject, const std::string& file) {
  if (pyproject) {
    std::vector<Requirement> found = parse_pyproject(*pyproject, file + "/pyproject.toml").build;
    if (!found.empty()) {
      return found;
    }
  }
  return {Requirement::parse(k_default_backend)};
}

}  // namespace airlock::ecosystem::pypi
