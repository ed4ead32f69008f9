// What the projects and packages of one entry need: of which modules the zip, and of which only go.mod.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "ecosystem/go/module_graph.hpp"
#include "ecosystem/go/module_source.hpp"
#include "ecosystem/go/project.hpp"
#include "ecosystem/go/proxy.hpp"
#include "ecosystem/go/query.hpp"

namespace airlock::ecosystem::go {

class Closure {
 public:
  // All outlive it.
  Closure(const ResolveContext& context, Proxy& proxy, ModuleSource& source)
      : m_context(context), m_proxy(proxy), m_source(source) {}

  // All that `go build ./...`, `go mod download` and `go mod tidy` of the project read: what its module graph selects,
  // and every line of its go.sum. The source knows its go.sum already.
  void add_project(Project project);
  // Each as the only requirement of an otherwise empty module, and all of them together in one. A path that begins
  // another query's, and is no module, is what a client tried on its way to that one; it is left out. With
  // tests, what the tests of their dependencies need, which `go mod tidy` reads, as far as the go.sum in each tells it.
  enum class Tests { with, without };
  void add_packages(std::vector<Query> queries, Tests tests);

  std::set<Module> zips;   // with go.mod and .info
  std::set<Module> mods;   // go.mod; `zips` are among them
  std::set<Module> infos;  // `zips`, and others that the graph selects

 private:
  // `wants_zip` by path.
  void add_graph(const MainModules& main, const ModuleGraph& graph,
                 const std::function<bool(const std::string&)>& wants_zip);
  std::vector<Module> found(const std::vector<Query>& queries);
  void add_listed(const Module& module);

  const ResolveContext& m_context;
  Proxy& m_proxy;
  ModuleSource& m_source;
};

}  // namespace airlock::ecosystem::go
