#include "ecosystem/go/module_graph.hpp"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "ecosystem/go/limits.hpp"
#include "ecosystem/go/version.hpp"
#include "ecosystem/task_group.hpp"

namespace airlock::ecosystem::go {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_most_modules = 200'000;
constexpr int k_most_rounds = 100;
constexpr std::size_t k_longest_chain = 12;  // shown

// One loading of the graph from given roots.
class Loading {
 public:
  Loading(const MainModules& main, ModuleSource& source) : m_main(main), m_source(source), m_group(k_transfers) {}

  void run(const std::vector<Module>& roots) {
    for (const Module& root : roots) {
      select(root, std::nullopt);
      enqueue(root, !m_main.pruned);
    }
    m_group.wait();
  }

  std::map<std::string, std::string> selected;
  std::set<Module> read;

 private:
  // Notes that `by` (nullopt: a main module) requires `module`. True where that counts.
  bool select(const Module& module, const std::optional<Module>& by) {
    if (module.version == "none" || m_main.exclusions.contains(module)) {
      return false;
    }
    const std::lock_guard lock(m_mutex);
    m_required_by.try_emplace(module, by);
    if (!m_main.paths.contains(module.path)) {
      std::string& version = selected[module.path];
      if (version.empty() || compare_versions(version, module.version) < 0) {
        version = module.version;
      }
    }
    return true;
  }

  void enqueue(const Module& module, bool unpruned) {
    if (m_main.exclusions.contains(module) || module.version == "none") {
      return;
    }
    {
      const std::lock_guard lock(m_mutex);
      if (m_seen.contains({module, true}) || !m_seen.insert({module, unpruned}).second) {
        return;
      }
      if (m_seen.size() > k_most_modules) {
        throw Error(ErrorCode::limit,
                    fmt::format("the module graph of {} has more than {} modules", m_main.name, k_most_modules));
      }
    }
    m_group.add([this, module, unpruned] { load(module, unpruned); });
  }

  void load(const Module& module, bool unpruned) {
    base::throw_if_interrupted();
    const GoMod mod = base::with_context([&] { return chain_to(module); }, [&] { return mod_of(module); });
    const bool follow = unpruned || !mod.is_pruned();
    for (const Module& required : mod.requirements) {
      if (select(required, module) && follow) {
        enqueue(required, true);
      }
    }
  }

  GoMod mod_of(const Module& module) {
    const auto substitute = find_substitute(m_main, module);
    if (substitute && !substitute->module) {
      const fs::path file = substitute->folder / "go.mod";
      return parse_go_mod(base::read_file(file, k_largest_mod), file.string(), GoModFor::dependency);
    }
    const Module& wanted = substitute ? *substitute->module : module;
    if (const auto problem = module_problem(wanted)) {
      throw Error(ErrorCode::malformed, fmt::format("'{}' has {}", base::printable(wanted.to_string(), 200), *problem));
    }
    const ModFile& file = m_source.mod_file(wanted);
    if (!substitute && !file.mod.module.empty() && file.mod.module != module.path) {
      throw Error(ErrorCode::upstream, fmt::format("the go.mod of {} says that it is of '{}'", module.to_string(),
                                                   base::printable(file.mod.module, 200)))
          .with_hint("the module was renamed, or is a copy of another one that only works with a `replace`");
    }
    {
      const std::lock_guard lock(m_mutex);
      read.insert(wanted);
    }
    return file.mod;
  }

  std::string chain_to(const Module& module) {
    const std::lock_guard lock(m_mutex);
    std::vector<std::string> chain;
    std::optional<Module> at = module;
    std::set<Module> visited;
    while (at && visited.insert(*at).second && chain.size() < k_longest_chain) {
      chain.push_back(at->to_string());
      const auto by = m_required_by.find(*at);
      at = by == m_required_by.end() ? std::nullopt : by->second;
    }
    if (at) {
      chain.emplace_back("…");
    }
    chain.push_back(m_main.name);
    std::reverse(chain.begin(), chain.end());
    return fmt::format("while reading the requirements {}", base::join(chain, " -> "));
  }

  const MainModules& m_main;
  ModuleSource& m_source;
  std::mutex m_mutex;
  std::set<std::pair<Module, bool>> m_seen;
  std::map<Module, std::optional<Module>> m_required_by;
  TaskGroup m_group;  // last: its threads use the rest
};

}  // namespace

std::optional<Substitute> find_substitute(const MainModules& main, const Module& module) {
  const Replacement* found = nullptr;
  for (const Replacement& one : main.replacements) {
    if (one.old_path == module.path && (one.old_version.empty() || one.old_version == module.version)) {
      // The first one, but one with a version goes before one without.
      if (found == nullptr || (found->old_version.empty() && !one.old_version.empty())) {
        found = &one;
      }
    }
  }
  if (found == nullptr) {
    return std::nullopt;
  }
  if (found->new_version.empty()) {
    const fs::path folder = found->new_path;
    return Substitute{.module = std::nullopt,
                      .folder = (folder.is_absolute() ? folder : main.folder / folder).lexically_normal()};
  }
  return Substitute{.module = Module{.path = found->new_path, .version = found->new_version}, .folder = {}};
}

ModuleGraph load_graph(const MainModules& main, ModuleSource& source) {
  ModuleGraph graph;
  for (const Module& root : main.requirements) {
    if (!main.exclusions.contains(root)) {
      graph.roots.insert(root.path);
    }
  }
  std::vector<Module> roots = main.requirements;
  for (int round = 0; round < k_most_rounds; ++round) {
    Loading loading(main, source);
    loading.run(roots);
    graph.read.merge(loading.read);
    bool raised = false;
    for (Module& root : roots) {
      const auto selected = loading.selected.find(root.path);
      if (selected != loading.selected.end() && selected->second != root.version) {
        root.version = selected->second;
        raised = true;
      }
    }
    if (!raised) {
      graph.selected = std::move(loading.selected);
      return graph;
    }
  }
  throw Error(ErrorCode::limit, fmt::format("the versions that {} requires do not come to rest", main.name));
}

}  // namespace airlock::ecosystem::go
