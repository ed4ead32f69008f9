#include "ecosystem/pypi/requirements_file.hpp"

#include "base/files.hpp"
#include "ecosystem/pypi/detect.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::pypi {

using base::ErrorCode;
using test::code_of;
using test::error_of;

namespace {
struct Folder {
  base::TempDir folder;
  std::filesystem::path file(const std::string& name, const std::string& text) {
    base::make_directories((folder.path() / name).parent_path());
    base::write_file_atomic(folder.path() / name, text);
    return folder.path() / name;
  }
};
const std::string k_hash = "sha256:" + std::string(64, 'a');
}  // namespace

TEST_CASE("lines are joined, comments are dropped, hashes are taken", "[ecosystem][pypi]") {
  const auto lines =
      parse_requirement_lines("\xef\xbb\xbf# first\n\na>=1 # why\nb==1 \\\n  --hash=" + k_hash + " \\\n  --hash " +
                                  k_hash + "\r\nc#d\n-r x.txt\n--constraint=y.txt\n-e .\n./local[x]\n--pre\n",
                              "r.txt");
  REQUIRE(lines.size() == 8);
  CHECK(lines[0].text == "a>=1");
  CHECK(lines[0].line == 3);
  CHECK(lines[1].hashes == std::set<std::string>{k_hash});
  CHECK(lines[1].line == 4);
  CHECK(lines[2].text == "c#d");
  CHECK(lines[3].kind == RequirementLine::Kind::include);
  CHECK(lines[4].kind == RequirementLine::Kind::constraint);
  CHECK(lines[4].text == "y.txt");
  CHECK(lines[5].kind == RequirementLine::Kind::local);
  CHECK(lines[6].kind == RequirementLine::Kind::local);
  CHECK(lines[7].kind == RequirementLine::Kind::option);
}

TEST_CASE("what cannot be carried is named with its line", "[ecosystem][pypi]") {
  for (const char* text : {"\ngit+https://host.example/x\n", "\nhttps://host.example/x.whl\n",
                           "\n-e git+ssh://h.example/x\n", "\na==1 --hash=md5:00\n", "\na==1 --hash\n", "\n-r\n"}) {
    INFO(text);
    const auto error = error_of([&] { return parse_requirement_lines(text, "r.txt").size(); });
    CHECK(error.code() == ErrorCode::manifest);
    CHECK(error.position()->line == 2);
  }
}

TEST_CASE("files are followed once, and cycles end", "[ecosystem][pypi]") {
  Folder folder;
  folder.file("more.txt", "-r requirements.txt\nb<2; python_version<'4'\n");
  folder.file("limits.txt", "c<3\n");
  const auto path = folder.file(
      "requirements.txt", "-r more.txt\n-c limits.txt\n--index-url https://other.example/\na --hash=" + k_hash + "\n");
  const RequirementsFile found = read_requirements(path);
  REQUIRE(found.requirements.size() == 2);
  CHECK(found.requirements[0].requirement.name == "b");
  CHECK(found.constraints.size() == 1);
  CHECK(found.require_hashes);
  REQUIRE(found.warnings.size() == 1);
  CHECK(found.warnings[0].find("--index-url") != std::string::npos);
  CHECK(found.warnings[0].find("other.example") == std::string::npos);
}

TEST_CASE("mistakes in requirements files have a place", "[ecosystem][pypi]") {
  Folder folder;
  CHECK(
      error_of([&] { return read_requirements(folder.file("a.txt", "x\ny ==\n")).require_hashes; }).position()->line ==
      2);
  CHECK(error_of([&] { return read_requirements(folder.file("b.txt", "-r none.txt\n")).require_hashes; }).code() ==
        ErrorCode::not_found);
  CHECK(code_of([&] {
          return read_requirements(folder.file("c.txt", "x @ https://h.example/x.whl\n")).require_hashes;
        }) == ErrorCode::manifest);
  CHECK(code_of([&] {
          return read_requirements(folder.file("d.txt", "-r https://h.example/r.txt\n")).require_hashes;
        }) == ErrorCode::manifest);
}

TEST_CASE("a folder's files are found", "[ecosystem][pypi]") {
  Folder folder;
  CHECK(detect(folder.folder.path()).empty());
  folder.file("requirements.txt", "a\nb\n");
  folder.file("requirements-dev.txt", "c --hash=" + k_hash + "\n");
  folder.file("pyproject.toml", "[project]\nname='x'\ndependencies=['a']\n");
  folder.file("Pulumi.yaml", "name: x\nruntime:\n  name: python\n  options: { virtualenv: venv }\n");
  const auto found = detect(folder.folder.path());
  REQUIRE(found.size() == 4);
  CHECK(found[0].file == "pyproject.toml");
  CHECK(found[1].what == "1 requirements, with hashes");
  CHECK(found[2].request.values.at("projects").at(0) == (folder.folder.path() / "requirements.txt").string());
  CHECK(found[3].request.values.at("packages").size() == 3);
}

}  // namespace airlock::ecosystem::pypi
