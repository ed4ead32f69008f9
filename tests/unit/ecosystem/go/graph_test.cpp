// Selection of versions: the examples of the reference, and what pruning leaves unread.
#include "ecosystem/go/module_graph.hpp"
#include "go_fixture.hpp"
#include "resolve_fixture.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::go {

using test::code_of;

namespace {

class Graphs {
 public:
  Graphs() {
    m_env = modules.environment();
    m_env["GONOSUMDB"] = "x.y";
    m_manifest.name = "test";
  }
  // "a1" is x.y/a at v1.0.0 with the given go version; requirements alike.
  void add(const std::string& name, const std::string& go, const std::vector<std::string>& requirements) {
    std::string mod = fmt::format("module {}\ngo {}\n", module(name).path, go);
    for (const std::string& one : requirements) {
      mod += fmt::format("require {} {}\n", module(one).path, module(one).version);
    }
    modules.add(module(name), mod);
  }
  static Module module(const std::string& name) {
    return {.path = fmt::format("x.y/{}", name.substr(0, 1)), .version = fmt::format("v1.{}.0", name.substr(1))};
  }
  // The selected modules, as "a1 b2".
  std::string load(const std::vector<std::string>& requirements, bool pruned = true) {
    main.name = "main";
    main.pruned = pruned;
    main.requirements.clear();
    for (const std::string& one : requirements) {
      main.requirements.push_back(module(one));
    }
    http::Client client(http::quick_options());
    test::RecordingReporter reporter;
    const ResolveContext context{.http = client,
                                 .manifest = m_manifest,
                                 .reporter = reporter,
                                 .recipes = {},
                                 .environment = m_env,
                                 .demand = {}};
    Proxy proxy(context, m_env);
    ModuleSource source(proxy, m_env);
    graph = load_graph(main, source);
    std::string text;
    for (const auto& [path, version] : graph.selected) {
      text += fmt::format("{}{}{}", text.empty() ? "" : " ", path.substr(4), version.substr(3, version.size() - 5));
    }
    return text;
  }
  bool read(const std::string& name) const { return graph.read.contains(module(name)); }

  ModuleServer modules;
  MainModules main;
  ModuleGraph graph;

 private:
  GoEnv m_env;
  model::Manifest m_manifest;
};

}  // namespace

TEST_CASE("the highest version that anybody requires is selected", "[go][graph]") {
  Graphs graphs;
  graphs.add("a1", "1.16", {"c1"});
  graphs.add("b2", "1.16", {"c3"});
  graphs.add("c1", "1.16", {"d1"});
  graphs.add("c3", "1.16", {"d2"});
  graphs.add("c4", "1.16", {});
  graphs.add("d1", "1.16", {});
  graphs.add("d2", "1.16", {});
  CHECK(graphs.load({"a1", "b2"}, false) == "a1 b2 c3 d2");
  CHECK(graphs.read("c1"));  // its go.mod is read, although another version is used
  CHECK(graphs.read("d1"));
  CHECK_FALSE(graphs.read("c4"));
}

TEST_CASE("behind a pruned module nothing is read", "[go][graph]") {
  Graphs graphs;
  graphs.add("a1", "1.20", {"b1"});
  graphs.add("b1", "1.20", {"c1"});  // c1 is nowhere: reading it would fail
  CHECK(graphs.load({"a1"}) == "a1 b1");
  CHECK_FALSE(graphs.read("b1"));
  CHECK(code_of([&] { return graphs.load({"a1"}, false); }) == base::ErrorCode::not_found);
}

TEST_CASE("behind a module from before pruning everything is read", "[go][graph]") {
  Graphs graphs;
  graphs.add("a1", "1.16", {"b1"});
  graphs.add("b1", "1.20", {"c1"});
  graphs.add("c1", "1.20", {});
  CHECK(graphs.load({"a1"}) == "a1 b1 c1");
  CHECK(graphs.read("c1"));
}

TEST_CASE("roots that others require in a newer version are raised", "[go][graph]") {
  Graphs graphs;
  graphs.add("a1", "1.20", {"b2"});
  graphs.add("b1", "1.20", {});
  graphs.add("b2", "1.20", {"c1"});
  graphs.add("c1", "1.20", {});
  CHECK(graphs.load({"a1", "b1"}) == "a1 b2 c1");
  CHECK(graphs.read("b1"));
  CHECK(graphs.read("b2"));
}

TEST_CASE("excluded versions are as if nobody required them", "[go][graph]") {
  Graphs graphs;
  graphs.add("a1", "1.16", {"b2"});
  graphs.add("b1", "1.16", {});
  graphs.main.exclusions = {Graphs::module("b2")};
  CHECK(graphs.load({"a1", "b1"}, false) == "a1 b1");
}

TEST_CASE("circles end, and the main module is not selected", "[go][graph]") {
  Graphs graphs;
  graphs.add("a1", "1.16", {"b1", "m1"});
  graphs.add("b1", "1.16", {"a1"});
  graphs.add("m1", "1.16", {"b1"});
  graphs.main.paths = {"x.y/m"};
  CHECK(graphs.load({"a1"}, false) == "a1 b1");
  CHECK(graphs.read("m1"));
}

TEST_CASE("every go.mod is asked for once", "[go][graph]") {
  Graphs graphs;
  std::vector<std::string> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(fmt::format("{}1", static_cast<char>('a' + i)));
  }
  for (const std::string& one : all) {
    graphs.add(one, "1.16", all);
  }
  graphs.load(all, false);
  for (const std::string& one : all) {
    CHECK(graphs.modules.server.requests("/proxy/" + file_path(Graphs::module(one), ".mod")).size() == 1);
  }
}

}  // namespace airlock::ecosystem::go
