#include "ecosystem/go/project.hpp"

#include "base/files.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::go {

namespace fs = std::filesystem;
using base::ErrorCode;

namespace {

class Tree {
 public:
  void file(const std::string& name, std::string_view content) const {
    base::make_directories((path() / name).parent_path());
    base::write_file_atomic(path() / name, content);
  }
  const fs::path& path() const { return m_folder.path(); }

 private:
  base::TempDir m_folder;
};

}  // namespace

TEST_CASE("a project is a go.mod with its go.sum", "[go][project]") {
  Tree tree;
  tree.file("go.mod", "module a.b/c\ngo 1.22\nrequire d.e/f v1.0.0\nreplace d.e/f => ../f\n");
  tree.file("go.sum", "");
  for (const fs::path& path : {tree.path(), tree.path() / "go.mod"}) {
    const Project project = read_project(path);
    CHECK(project.main.paths == std::set<std::string>{"a.b/c"});
    CHECK(project.main.requirements == std::vector<Module>{{"d.e/f", "v1.0.0"}});
    CHECK(project.main.pruned);
    CHECK(project.sums.size() == 1);
    const auto substitute = find_substitute(project.main, {"d.e/f", "v1.0.0"});
    REQUIRE(substitute);
    CHECK(substitute->folder == tree.path().parent_path() / "f");
  }
}

TEST_CASE("a workspace unites its modules, and its replacements go first", "[go][project]") {
  Tree tree;
  tree.file("go.work", "go 1.22\nuse ./a\nuse ./b\nreplace x.y/z => ./z\n");
  tree.file("go.work.sum", "");
  tree.file("a/go.mod", "module w.x/a\ngo 1.22\nrequire d.e/f v1.0.0\nreplace x.y/z => ../other\n");
  tree.file("a/go.sum", "");
  tree.file("b/go.mod", "module w.x/b\ngo 1.22\nrequire d.e/f v1.1.0\n");
  const Project project = read_project(tree.path());
  CHECK(project.main.paths.size() == 2);
  CHECK(project.main.requirements.size() == 2);
  CHECK(project.sums.size() == 2);
  CHECK(find_substitute(project.main, {"x.y/z", "v1.0.0"})->folder == tree.path() / "z");
}

TEST_CASE("a replacement of one version goes before one of all", "[go][project]") {
  MainModules main;
  main.replacements = {{.old_path = "a.b/c", .old_version = "", .new_path = "x.y/all", .new_version = "v1.0.0"},
                       {.old_path = "a.b/c", .old_version = "v1.0.0", .new_path = "x.y/one", .new_version = "v1.0.0"}};
  CHECK(find_substitute(main, {"a.b/c", "v1.0.0"})->module->path == "x.y/one");
  CHECK(find_substitute(main, {"a.b/c", "v1.1.0"})->module->path == "x.y/all");
  CHECK_FALSE(find_substitute(main, {"a.b/d", "v1.0.0"}));
}

TEST_CASE("what a folder says is found", "[go][project]") {
  Tree tree;
  CHECK(detect(tree.path()).empty());
  tree.file("go.mod", "module a.b/c\nrequire d.e/f v1.0.0\n");
  auto found = detect(tree.path());
  REQUIRE(found.size() == 1);
  CHECK(found[0].file == "go.mod");
  CHECK(found[0].what == "1 required modules, no go.sum");
  CHECK(found[0].request.values.at("projects") == std::vector<std::string>{tree.path().string()});
  tree.file("go.work", "use .\n");
  found = detect(tree.path());
  REQUIRE(found.size() == 1);
  CHECK(found[0].file == "go.work");
  CHECK(test::code_of([&] { return read_project(tree.path() / "nothing"); }) == ErrorCode::manifest);
}

}  // namespace airlock::ecosystem::go
