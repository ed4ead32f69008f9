#include "ecosystem/go/closure.hpp"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/go/limits.hpp"
#include "ecosystem/go/proxy_file.hpp"
#include "ecosystem/go/version.hpp"
#include "ecosystem/task_group.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view k_none = "none";

// The module at the root of an empty project that requires `modules`, and what else those with a pruned graph name: a
// client that builds their packages makes these requirements of its own.
MainModules main_of(const std::vector<Module>& modules, ModuleSource& source) {
  MainModules main;
  std::set<Module> roots(modules.begin(), modules.end());
  std::vector<std::string> names;
  for (const Module& module : modules) {
    names.push_back(module.to_string());
    const GoMod& mod = source.mod_file(module).mod;
    if (mod.is_pruned()) {
      roots.insert(mod.requirements.begin(), mod.requirements.end());
    }
  }
  main.name = base::join(names, ", ");
  main.requirements.assign(roots.begin(), roots.end());
  return main;
}

}  // namespace

void Closure::add_graph(const MainModules& main, const ModuleGraph& graph,
                        const std::function<bool(const std::string&)>& wants_zip) {
  mods.insert(graph.read.begin(), graph.read.end());
  for (const auto& [path, version] : graph.selected) {
    Module module{.path = path, .version = version};
    if (const auto substitute = find_substitute(main, module)) {
      if (!substitute->module) {
        continue;  // a folder of the project
      }
      module = *substitute->module;
    }
    infos.insert(module);
    if (wants_zip(path)) {
      zips.insert(module);
    }
  }
}

void Closure::add_project(Project project) {
  for (Module& required : project.main.requirements) {
    if (is_canonical(required.version) || required.version == k_none || find_substitute(project.main, required)) {
      continue;
    }
    const auto module = find_module({.path = required.path, .version = required.version}, m_proxy, m_source);
    if (!module || module->path != required.path) {
      throw Error(ErrorCode::not_found, fmt::format("{} requires '{}', and no such version is there", project.main.name,
                                                    base::printable(required.to_string(), 200)));
    }
    required.version = module->version;
  }
  const ModuleGraph graph = load_graph(project.main, m_source);
  add_graph(project.main, graph,
            [&](const std::string& path) { return !project.main.pruned || graph.roots.contains(path); });
  for (const ProjectFile& file : project.sums) {
    GoSum sums;
    sums.add(file.content, file.name);
    for (const auto& [module, hashes] : sums.all()) {
      if (!hashes.zip.empty()) {
        zips.insert(module);
      }
      mods.insert(module);
    }
  }
}

std::vector<Module> Closure::found(const std::vector<Query>& queries) {
  std::vector<Module> modules;
  for (const Query& query : queries) {
    const bool is_probe = std::any_of(queries.begin(), queries.end(), [&](const Query& other) {
      return other.version == query.version && other.path.starts_with(query.path + "/");
    });
    std::optional<Module> module;
    try {
      module = find_module(query, m_proxy, m_source);
    } catch (const Error& error) {
      if (!is_probe || error.code() != ErrorCode::auth) {
        throw;
      }
    }
    if (module) {
      modules.push_back(*module);
      continue;
    }
    if (!is_probe) {
      throw Error(ErrorCode::not_found, fmt::format("no Go proxy has a module '{}', or one that begins its path, with "
                                                    "a version '{}'",
                                                    query.path, query.version))
          .with_hint("`direct` in GOPROXY is not followed; for a module of a proxy of your own, name that under "
                     "`upstreams: go: { url: … }`");
    }
    m_context.reporter.note(
        fmt::format("go: '{}' is no module, but part of the path of one that is wanted", query.path));
  }
  return modules;
}

// The lines of the go.sum in `module` whose modules are there; it is a hint, so what is missing is passed over.
void Closure::add_listed(const Module& module) {
  const auto text = read_module_file(
      m_context, m_proxy, module, base::Url::parse(m_source.mod_file(module).zip_url()), std::nullopt,
      [](std::string_view name) { return name == "go.sum"; }, k_largest_sum);
  if (!text) {
    return;
  }
  GoSum sums;
  try {
    sums.add(*text, fmt::format("go.sum of {}", module.to_string()));
  } catch (const Error& error) {
    m_context.reporter.note(fmt::format("go: the go.sum of {} is not used: {}", module.to_string(), error.message()));
    return;
  }
  std::mutex mutex;
  TaskGroup group(k_transfers);
  for (const auto& [listed, hashes] : sums.all()) {
    group.add([&, one = listed, has_zip = !hashes.zip.empty()] {
      try {
        m_source.mod_file(one);
        const std::lock_guard lock(mutex);
        mods.insert(one);
        if (has_zip) {
          zips.insert(one);
        }
      } catch (const Error& error) {
        // A proxy may also refuse (403) what it does not want to serve.
        if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::auth) {
          throw;
        }
        m_context.reporter.note(fmt::format("go: {}, which the go.sum of {} lists, is left out: {}", one.to_string(),
                                            module.to_string(), error.message()));
      }
    });
  }
  group.wait();
}

void Closure::add_packages(std::vector<Query> queries, Tests tests) {
  std::sort(queries.begin(), queries.end());
  queries.erase(std::unique(queries.begin(), queries.end()), queries.end());
  std::vector<Module> modules = found(queries);
  std::sort(modules.begin(), modules.end());
  modules.erase(std::unique(modules.begin(), modules.end()), modules.end());
  std::set<std::string> paths;  // of which a zip is needed
  for (const Module& module : modules) {
    const MainModules main = main_of({module}, m_source);
    const ModuleGraph graph = load_graph(main, m_source);
    const bool all = !m_source.mod_file(module).mod.is_pruned();
    add_graph(main, graph, [&](const std::string& path) { return all || graph.roots.contains(path); });
    for (const auto& [path, version] : graph.selected) {
      if (all || graph.roots.contains(path)) {
        paths.insert(path);
      }
    }
    zips.insert(module);
    if (tests == Tests::with) {
      add_listed(module);
    }
  }
  if (modules.size() > 1) {
    const MainModules main = main_of(modules, m_source);
    add_graph(main, load_graph(main, m_source), [&](const std::string& path) { return paths.contains(path); });
  }
}

}  // namespace airlock::ecosystem::go
