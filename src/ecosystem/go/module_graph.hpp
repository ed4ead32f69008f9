// Which version of which module is used: minimal version selection over the module graph, with graph pruning and as
// much laziness as the client has (Go modules reference, Minimal version selection, and Graph pruning).
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "ecosystem/go/go_mod.hpp"
#include "ecosystem/go/module_source.hpp"

namespace airlock::ecosystem::go {

// What stands at the root: one main module, or those of a workspace.
struct MainModules {
  std::string name;             // for errors: the path of go.mod, or "github.com/x/y@v1.2.3"
  std::set<std::string> paths;  // which no requirement replaces
  std::vector<Module> requirements;
  bool pruned = true;  // go 1.17 or newer
  std::set<Module> exclusions;
  std::vector<Replacement> replacements;
  std::filesystem::path folder;  // that folders in `replacements` are relative to
};

// A module in place of which another one is used.
struct Substitute {
  std::optional<Module> module;  // nullopt: none that a proxy serves, but a folder
  std::filesystem::path folder;
};
std::optional<Substitute> find_substitute(const MainModules& main, const Module& module);

struct ModuleGraph {
  std::set<Module> read;                        // whose go.mod the client reads; substitutes in place of the replaced
  std::map<std::string, std::string> selected;  // version by path, main modules aside; of the replaced, as required
  std::set<std::string> roots;                  // the paths in the main modules' requirements
};

// Reads go.mod files until the graph is whole. Roots that others require in a newer version are raised, as the client
// does. Throws what ModuleSource throws, with the chain of requirements that led there.
ModuleGraph load_graph(const MainModules& main, ModuleSource& source);

}  // namespace airlock::ecosystem::go
