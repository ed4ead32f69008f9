#include "ecosystem/pypi/questions.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "ecosystem/pypi/pyproject.hpp"
#include "ecosystem/pypi/requirements_file.hpp"

namespace airlock::ecosystem::pypi {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using model::Entry;

namespace {

constexpr std::string_view k_pyproject = "pyproject.toml";

Error mistake(const Entry& entry, std::string_view field, std::string message) {
  return Error(ErrorCode::manifest, std::move(message)).at(entry.position_of(field));
}

std::vector<PythonVersion> pythons_of(const Entry& entry) {
  std::vector<PythonVersion> found;
  for (const std::string& text : entry.texts("python")) {
    const auto version = PythonVersion::parse(text);
    if (!version) {
      throw mistake(entry, "python", fmt::format("'{}' is no version of Python 3", base::printable(text, 40)))
          .with_hint("write them in quotes: python: [\"3.11\", \"3.12\"]");
    }
    found.push_back(*version);
  }
  if (found.empty()) {
    auto version = PythonVersion::parse(host_python());
    if (!version) {
      throw mistake(entry, "python", "this host's python3 is no Python 3 whose version can be read");
    }
    version->patch = 0;  // the far side's may be an older one of the same line
    found.push_back(*version);
  }
  return found;
}

std::vector<Libc> libcs_of(const Entry& entry) {
  Libc glibc, musl{.kind = Libc::Kind::musl, .major = 1, .minor = 2};
  if (entry.has("glibc")) {
    const auto version = Libc::parse(Libc::Kind::glibc, entry.text("glibc"));
    if (!version) {
      throw mistake(entry, "glibc",
                    fmt::format("'{}' is no version of glibc", base::printable(entry.text("glibc"), 40)))
          .with_hint("write it in quotes: glibc: \"2.36\"");
    }
    glibc = *version;
  }
  std::vector<Libc> found;
  for (const std::string& name : entry.texts("libc")) {
    if (name != "glibc" && name != "musl") {
      throw mistake(entry, "libc", fmt::format("'{}' is neither glibc nor musl", base::printable(name, 40)));
    }
    found.push_back(name == "glibc" ? glibc : musl);
  }
  return found.empty() ? std::vector{glibc} : found;
}

RootRequirement rooted(const WantedRequirement& wanted) {
  return {.requirement = wanted.requirement, .hashes = wanted.hashes, .because = wanted.position.to_string()};
}

// Two exact versions of one project cannot be installed together, but both can be wanted: each further one becomes a
// task of its own.
void split_versions(Task& task, std::vector<Task>& tasks) {
  std::map<std::string, std::string> pinned;
  std::erase_if(task.question.requirements, [&](const RootRequirement& one) {
    const std::string version = one.requirement.specifiers.to_string();
    if (!one.requirement.specifiers.is_pin() || one.requirement.marker ||
        pinned.emplace(one.requirement.name, version).first->second == version) {
      return false;
    }
    tasks.push_back({.name = one.requirement.text, .question = {.requirements = {one}}});
    return true;
  });
}

class ProjectReading {
 public:
  explicit ProjectReading(base::Reporter& reporter) : m_reporter(reporter) {}

  void read(const fs::path& path) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      const std::vector<std::string> files = project_files(path);
      if (files.empty()) {
        throw Error(ErrorCode::manifest,
                    fmt::format("'{}' holds neither requirements*.txt nor pyproject.toml", path.string()));
      }
      for (const std::string& file : files) {
        read(path / file);
      }
    } else if (path.filename() == k_pyproject) {
      read_pyproject(path);
    } else {
      read_requirements_file(path);
    }
  }
  std::vector<Task> take() { return std::move(m_tasks); }

 private:
  void read_requirements_file(const fs::path& path) {
    const RequirementsFile file = read_requirements(path);
    for (const std::string& warning : file.warnings) {
      m_reporter.warning(warning);
    }
    Task task{.name = path.string(), .question = {}};
    std::transform(file.requirements.begin(), file.requirements.end(), std::back_inserter(task.question.requirements),
                   rooted);
    std::transform(file.constraints.begin(), file.constraints.end(), std::back_inserter(task.question.constraints),
                   rooted);
    task.question.require_hashes = file.require_hashes;
    task.question.prereleases = file.prereleases;
    for (const fs::path& folder : file.local_projects) {
      std::error_code ignored;
      const fs::path own = folder / k_pyproject;
      if (!fs::is_regular_file(own, ignored)) {
        m_reporter.warning(fmt::format("{}: '{}' has no pyproject.toml, so what it needs is not known", path.string(),
                                       folder.string()));
        continue;
      }
      // Installed together with the rest, so resolved with it.
      const PyProject project = add_build(own);
      append(task.question.requirements, project.dependencies, own.string());
    }
    m_tasks.push_back(std::move(task));
  }

  void read_pyproject(const fs::path& path) {
    const PyProject project = add_build(path);
    if (!project.dependencies.empty()) {
      Task task{.name = path.string(), .question = {}};
      append(task.question.requirements, project.dependencies, path.string());
      m_tasks.push_back(std::move(task));
    }
  }

  // pip builds a project in an environment of its own, which is resolved by itself.
  PyProject add_build(const fs::path& path) {
    PyProject project = parse_pyproject(base::read_file(path, k_pyproject_limit), path.string());
    if (!project.dependencies_are_known) {
      m_reporter.warning(fmt::format("{}: its dependencies are 'dynamic': only a build would tell them, so they are "
                                     "not resolved; name them under `packages`",
                                     path.string()));
    }
    if (!project.build.empty()) {
      Task task{.name = path.string() + " [build-system]", .question = {}};
      append(task.question.requirements, project.build, path.string());
      m_tasks.push_back(std::move(task));
    }
    return project;
  }

  static void append(std::vector<RootRequirement>& to, const std::vector<Requirement>& from,
                     const std::string& because) {
    for (const Requirement& one : from) {
      to.push_back({.requirement = one, .hashes = {}, .because = because});
    }
  }

  base::Reporter& m_reporter;
  std::vector<Task> m_tasks;
};

}  // namespace

std::vector<Target> targets_of(const Entry& entry) {
  const std::vector<model::Platform> platforms =
      entry.platforms().empty() ? std::vector{model::Platform::host()} : entry.platforms();
  std::vector<Target> found;
  for (const PythonVersion& python : pythons_of(entry)) {
    for (const model::Platform& platform : platforms) {
      const auto libcs = platform.os == "linux" ? libcs_of(entry) : std::vector<Libc>(1);
      for (const Libc& libc : libcs) {
        found.emplace_back(python, platform, libc);
      }
    }
  }
  return found;
}

std::vector<Task> tasks_of(const Entry& entry, base::Reporter& reporter) {
  ProjectReading reading(reporter);
  for (const fs::path& path : entry.paths("projects")) {
    try {
      reading.read(path);
    } catch (const Error& error) {
      if (error.position()) {
        throw;
      }
      throw Error(error).at(entry.position_of("projects"));
    }
  }
  std::vector<Task> tasks = reading.take();
  if (const std::vector<std::string> packages = entry.texts("packages"); !packages.empty()) {
    Task task{.name = "packages", .question = {}};
    for (const std::string& text : packages) {
      try {
        task.question.requirements.push_back({.requirement = Requirement::parse(text),
                                              .hashes = {},
                                              .because = entry.position_of("packages").to_string()});
      } catch (const Error& error) {
        throw mistake(entry, "packages", error.message());
      }
      if (!task.question.requirements.back().requirement.url.empty()) {
        throw mistake(entry, "packages",
                      fmt::format("'{}' comes from an address, not from a package index", base::printable(text, 120)));
      }
    }
    split_versions(task, tasks);
    tasks.push_back(std::move(task));
  }
  return tasks;
}

std::vector<std::string> project_files(const fs::path& folder) {
  std::vector<std::string> found;
  std::error_code failure;
  for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    const bool requirements = name.starts_with("requirements") && name.ends_with(".txt");
    if ((requirements || name == k_pyproject) && it->is_regular_file(ignored)) {
      found.push_back(name);
    }
  }
  if (failure) {
    throw base::system_error(failure.value(), fmt::format("cannot read {}", folder.string()));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace airlock::ecosystem::pypi
