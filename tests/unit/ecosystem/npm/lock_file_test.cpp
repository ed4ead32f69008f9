// Lock files of all three versions, projects without one, overrides, and what a folder is found to hold.
#include <map>

#include "base/files.hpp"
#include "ecosystem/npm/detect.hpp"
#include "ecosystem/npm/integrity.hpp"
#include "ecosystem/npm/project.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::npm {

using base::ErrorCode;
using base::Json;

namespace {

const std::string k_sha512 =
    "sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA==";

std::vector<std::string> names(const LockFile& lock) {
  std::vector<std::string> result;
  for (const LockedPackage& one : lock.packages) {
    result.push_back(one.name + "@" + one.version + (one.optional ? "?" : ""));
  }
  return result;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("versions 2 and 3: every place but links, bundled ones and the project itself", "[ecosystem][npm][lock]") {
  const Json json = Json::parse(R"({"name":"x","lockfileVersion":3,"packages":{
    "":{"name":"x","dependencies":{"a":"1"}},
    "node_modules/a":{"version":"1.0.0","resolved":"https://any.example/a/-/a-1.0.0.tgz","integrity":")" +
                                k_sha512 + R"("},
    "node_modules/a/node_modules/@s/b":{"version":"2.0.0","dev":true},
    "node_modules/alias":{"name":"real","version":"3.0.0"},
    "node_modules/opt":{"version":"1.0.0","optional":true,"os":["darwin"]},
    "node_modules/z/node_modules/opt":{"version":"1.0.0"},
    "node_modules/only":{"version":"1.0.0","optional":true},
    "node_modules/both":{"version":"1.0.0","devOptional":true},
    "node_modules/bundled":{"version":"1.0.0","inBundle":true},
    "node_modules/w":{"resolved":"packages/w","link":true},
    "node_modules/l":{"version":"file:../l","resolved":"file:../l.tgz"},
    "packages/w":{"version":"1.0.0"}}})");
  const LockFile lock = parse_lock_file(json.dump(), Dev::take, "lock");
  CHECK(names(lock) == Names{"@s/b@2.0.0", "a@1.0.0", "both@1.0.0", "only@1.0.0?", "opt@1.0.0", "real@3.0.0"});
  CHECK(lock.passed_over == Names{"l", "w"});
  CHECK(lock.packages[1].integrity == parse_integrity(k_sha512));
  CHECK(names(parse_lock_file(json.dump(), Dev::leave, "lock")) ==
        Names{"a@1.0.0", "both@1.0.0?", "only@1.0.0?", "opt@1.0.0", "real@3.0.0"});
}

TEST_CASE("version 1: nested, with aliases and bundled ones", "[ecosystem][npm][lock]") {
  const LockFile lock = parse_lock_file(R"({"lockfileVersion":1,"dependencies":{
    "a":{"version":"1.0.0","requires":{"b":"^1"},"dependencies":{"b":{"version":"1.5.0"},"c":{"version":"1.0.0","bundled":true}}},
    "b":{"version":"2.0.0","optional":true},"d":{"version":"npm:@s/e@4.0.0"}}})",
                                        Dev::take, "lock");
  CHECK(names(lock) == Names{"@s/e@4.0.0", "a@1.0.0", "b@1.5.0", "b@2.0.0?"});
}

TEST_CASE("lock files that cannot be taken as they are", "[ecosystem][npm][lock]") {
  const auto code = [](const std::string& packages) {
    return test::code_of([&] {
      return parse_lock_file(R"({"lockfileVersion":3,"packages":{)" + packages + "}}", Dev::take, "lock")
          .packages.size();
    });
  };
  CHECK(code(R"("node_modules/a":{"version":"1.0.0","resolved":"git+ssh://git@host.example/a.git#1"})") ==
        ErrorCode::unsupported);
  CHECK(code(R"("node_modules/a":{"version":"nonsense"})") == ErrorCode::unsupported);
  CHECK(code(R"("node_modules/../a":{"version":"1.0.0"})") == ErrorCode::malformed);
  CHECK(code(R"("node_modules/a/../../x":{"version":"1.0.0"})") == ErrorCode::malformed);
  CHECK(code(R"("node_modules/a":{"version":"1.0.0","integrity":"sha512-AAAA"})") == ErrorCode::malformed);
  CHECK(code(R"("node_modules/a":{"version":"1.0.0","integrity":"sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
                "node_modules/b/node_modules/a":{"version":"1.0.0","integrity":"sha1-AQAAAAAAAAAAAAAAAAAAAAAAAAA="})") ==
        ErrorCode::malformed);
  for (const char* text : {"", "[]", "{}", "{\"packages\":[]}", "yarn lockfile v1"}) {
    INFO(text);
    CHECK(test::code_of([&] { return parse_lock_file(text, Dev::take, "lock").packages.size(); }) ==
          ErrorCode::malformed);
  }
  CHECK(parse_lock_file("{\"lockfileVersion\":3}", Dev::take, "lock").packages.empty());
}

TEST_CASE("overrides replace what a dependency asks for, depending on who asks", "[ecosystem][npm][overrides]") {
  const Json package = Json::parse(R"({"dependencies":{"direct":"^5"},"overrides":{
    "plain":"1.0.0","ranged@^2":"2.9.0","mine":"$direct","parent":{"child":"3.0.0"},"exact@1":{".":"1.1.1","child":"4.0.0"}}})");
  const auto root = OverrideSet::parse(package, "package.json");
  REQUIRE(root);
  const auto value = [](const OverrideSet* set, const std::string& name, const std::string& range) {
    const OverrideSet* rule = set->of_dependency(name, parse_dependency(name, range));
    return rule == nullptr ? "none" : rule->value();
  };
  CHECK(value(root.get(), "plain", "^9") == "1.0.0");
  CHECK(value(root.get(), "ranged", "^2.1") == "2.9.0");
  CHECK(value(root.get(), "ranged", "^3") == "none");
  CHECK(value(root.get(), "mine", "*") == "^5");
  CHECK(value(root.get(), "child", "*") == "none");
  const OverrideSet* parent = root->of_dependency("parent", parse_dependency("parent", "*"));
  REQUIRE(parent);
  CHECK(parent->value().empty());
  CHECK(value(parent->of_package("parent", "7.0.0"), "child", "*") == "3.0.0");
  CHECK(value(parent->of_package("parent", "7.0.0"), "plain", "*") == "1.0.0");  // those around hold too
  const OverrideSet* exact = root->of_dependency("exact", parse_dependency("exact", "^1.0"));
  REQUIRE(exact);
  CHECK(exact->value() == "1.1.1");
  CHECK(value(exact->of_package("exact", "1.1.1"), "child", "*") == "4.0.0");
  CHECK_FALSE(OverrideSet::parse(Json::object(), "x"));
  CHECK(test::code_of([] {
          return OverrideSet::parse(Json{{"overrides", {{"a", "$b"}}}}, "x") != nullptr;
        }) == ErrorCode::malformed);
  CHECK(test::code_of([] {
          return OverrideSet::parse(Json{{"overrides", {{"../a", "1"}}}}, "x") != nullptr;
        }) == ErrorCode::malformed);
  Json deep = "1";
  for (int i = 0; i < 40; ++i) {
    deep = Json{{"a", deep}};
  }
  CHECK(test::code_of([&] {
          return OverrideSet::parse(Json{{"overrides", deep}}, "x") != nullptr;
        }) == ErrorCode::limit);
}

TEST_CASE("a folder is a project with a lock, without one, or none", "[ecosystem][npm][project]") {
  base::TempDir folder;
  const auto file = [&](const std::string& name, std::string_view content) {
    base::make_directories((folder.path() / name).parent_path());
    base::write_file_atomic(folder.path() / name, content);
  };
  CHECK(detect(folder.path()).empty());
  CHECK(test::code_of([&] { return read_project(folder.path(), Dev::take).parts.size(); }) == ErrorCode::not_found);

  file("package.json", R"({"type":"module"})");
  CHECK(detect(folder.path()).empty());

  file(
      "package.json",
      "\xEF\xBB\xBF"
      R"({"name":"root","workspaces":["packages/*","../out"],"dependencies":{"a":"1","w":"*"},"devDependencies":{"d":"1"}})");
  file("packages/w/package.json", R"({"name":"w","dependencies":{"b":"2"}})");
  file("packages/node_modules/x/package.json", R"({"name":"x"})");
  file("yarn.lock", "");
  const auto found = detect(folder.path());
  REQUIRE(found.size() == 1);
  CHECK(found[0].file == "package.json");
  CHECK(found[0].what == "3 dependencies, not locked");
  CHECK(found[0].request.values.at("projects") == std::vector<std::string>{folder.path().string()});
  const Project project = read_project(folder.path(), Dev::leave);
  REQUIRE(project.parts.size() == 2);
  CHECK(project.parts[0].dependencies.required == std::map<std::string, std::string>{{"a", "1"}});  // w is linked
  CHECK(project.parts[1].dependencies.required == std::map<std::string, std::string>{{"b", "2"}});
  CHECK(project.other_lock == "yarn.lock");

  file("packages/w/package.json", R"({"name":5,"dependencies":{"b":"2"}})");
  const auto refused = test::error_of([&] { return read_project(folder.path(), Dev::leave).parts.size(); });
  CHECK(refused.code() == ErrorCode::malformed);
  CHECK(refused.message().find("packages/w/package.json") != std::string::npos);
  file("packages/w/package.json", R"({"name":null,"dependencies":{"b":"2"}})");
  CHECK(read_project(folder.path(), Dev::leave).parts.size() == 2);

  file("package-lock.json", R"({"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"}}})");
  CHECK(detect(folder.path()).at(0).what == "1 packages, locked");
  file("npm-shrinkwrap.json", R"({"lockfileVersion":3,"packages":{"node_modules/b":{"version":"1.0.0"}}})");
  CHECK(read_project(folder.path(), Dev::take).lock->packages.at(0).name == "b");
  file("npm-shrinkwrap.json", "broken");
  CHECK(test::code_of([&] { return detect(folder.path()).size(); }) == ErrorCode::malformed);
}

}  // namespace airlock::ecosystem::npm
