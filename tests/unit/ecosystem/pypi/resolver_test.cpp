// The resolver against an index that says what a test wants it to say.
#include "ecosystem/pypi/resolver.hpp"

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/process.hpp"
#include "fake_index.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;
using model::Verified;

namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a closure becomes rows with pins, entries and metadata", "[ecosystem][pypi]") {
  FakeIndex index;
  index.add("a", {{"1.0", "b>=1"}});
  index.add("b", {{"1.0", ""}, {"1.1", "", "cp311-cp311-manylinux_2_17_x86_64"}});
  Run run(index, "packages: [A]");
  CHECK(run.chosen() == Names{"a-1.0", "b-1.1"});
  const model::FileRow& row = run.row("b/b-1.1-cp311-cp311-manylinux_2_17_x86_64.whl");
  CHECK(row.platform == "linux/amd64");
  CHECK(row.verified == Verified::upstream_digest);
  CHECK(row.pin == "sha256:" + row.sha256->hex());
  CHECK(row.artifact == "pkg:pypi/b@1.1");
  CHECK(run.row("a/a-1.0-py3-none-any.whl").platform.empty());
  CHECK(run.row("a/a-1.0-py3-none-any.whl.metadata").verified == Verified::upstream_digest);
  // From a lock alone the same bytes come again.
  for (const ResolvedFile& file : run.run()) {
    const std::string bytes = run.fetch(file.row);
    CHECK(base::sha256(bytes) == *file.row.sha256);
    CHECK((!file.content || *file.content == bytes));
  }
}

TEST_CASE("versions are chosen as pip chooses them", "[ecosystem][pypi]") {
  FakeIndex index;
  SECTION("the newest that everything takes, going back to what caused the conflict") {
    index.add("app", {{"1.0", "lib>=1\nother"}});
    index.add("other", {{"2.0", "lib<2"}, {"1.0", "lib<1"}});
    index.add("lib", {{"0.9", ""}, {"1.5", ""}, {"2.5", ""}});
    CHECK(Run(index, "packages: [app]").chosen() == Names{"app-1.0", "lib-1.5", "other-2.0"});
  }
  SECTION("an older version of what asks, where the newest cannot be satisfied") {
    index.add("a", {{"2.0", "b>=9"}, {"1.0", "b"}});
    index.add("b", {{"1.0", ""}});
    CHECK(Run(index, "packages: [a]").chosen() == Names{"a-1.0", "b-1.0"});
  }
  SECTION("pre-releases only where named, or where there is nothing else") {
    index.add("a", {{"1.0", ""}, {"2.0rc1", ""}});
    index.add("b", {{"1.0a1", ""}});
    CHECK(Run(index, "packages: [a, b]").chosen() == Names{"a-1.0", "b-1.0a1"});
    CHECK(Run(index, "packages: ['a>=2.0rc1']").chosen() == Names{"a-2.0rc1"});
  }
  SECTION("yanked ones only for a pin") {
    index.add("a", {{"1.0", ""}, {"2.0", "", "py3-none-any", R"(,"yanked":"broken")"}});
    CHECK(Run(index, "packages: [a]").chosen() == Names{"a-1.0"});
    CHECK(Run(index, "packages: ['a==2.0']").chosen() == Names{"a-2.0"});
    const Error error = Run(index, "packages: ['a>=2']").refusal();
    CHECK(error.message().find("was yanked: broken") != std::string::npos);
  }
  SECTION("requires-python and platform decide") {
    index.add("a", {{"1.0", ""},
                    {"2.0", "", "py3-none-any", R"(,"requires-python":">=3.12")"},
                    {"1.5", "", "cp311-cp311-win_amd64"}});
    CHECK(Run(index, "packages: [a]").chosen() == Names{"a-1.0"});
  }
  SECTION("extras and markers add what they ask for") {
    index.add("a", {{"1.0", "b; extra == 'Fast_One'\nc; sys_platform == 'win32'\nd; python_version >= '3.8'\na[other]; "
                            "extra=='fast-one'\ne; extra=='other'"}});
    for (const char* name : {"b", "c", "d", "e"}) {
      index.add(name, {{"1", ""}});
    }
    CHECK(Run(index, "packages: [a]").chosen() == Names{"a-1.0", "d-1"});
    CHECK(Run(index, "packages: ['a[fast.one]']").chosen() == Names{"a-1.0", "b-1", "d-1", "e-1"});
  }
  SECTION("each Python and platform by itself") {
    index.add("a", {{"1.0", "b; python_version < '3.12'\nc; sys_platform == 'win32'"},
                    {"2.0", "", "py3-none-any", R"(,"requires-python":">=3.12")"}});
    index.add("b", {{"1", ""}});
    index.add("c", {{"1", ""}});
    Resolution run(descriptor(), "pypi: { packages: [a], python: ['3.11', '3.12'], platforms: [linux/amd64, "
                                 "windows/amd64] }\nupstreams: { pypi: { url: '" +
                                     index.server.url("/simple") + "' } }\n");
    run.run();
    CHECK(run.paths().size() == 12);
    CHECK(run.row("c/c-1-py3-none-any.whl").platform.empty());
  }
  SECTION("two exact versions of one project both come") {
    index.add("a", {{"1.0", ""}, {"2.0", ""}});
    CHECK(Run(index, "packages: ['a==1.0', 'a==2.0']").chosen() == Names{"a-1.0", "a-2.0"});
  }
}

TEST_CASE("many versions that all conflict are gone through, not around", "[ecosystem][pypi]") {
  FakeIndex index;
  std::vector<Release> releases;
  for (int i = 0; i < 60; ++i) {
    releases.push_back({fmt::format("{}.0", i), fmt::format("core=={}.0", i)});
  }
  index.add("sdk", releases);
  for (Release& release : releases) {
    release.needs.clear();
  }
  index.add("core", releases);
  index.add("old", {{"1.0", "core<10"}});
  CHECK(Run(index, "packages: [sdk, old]").chosen() == Names{"core-9.0", "old-1.0", "sdk-9.0"});
}

TEST_CASE("what cannot be satisfied is told with its chain", "[ecosystem][pypi]") {
  FakeIndex index;
  index.add("a", {{"1.0", "b"}});
  index.add("b", {{"1.0", "c>=2"}});
  SECTION("a project that is nowhere") {
    const Error error = Run(index, "packages: [a]").refusal();
    CHECK(error.code() == ErrorCode::not_found);
    CHECK(error.message().find("no index has a project 'c'") != std::string::npos);
    CHECK(error.message().find("'c>=2' of b 1.0 of a 1.0 in ") != std::string::npos);
    CHECK(error.message().find("m.yaml:3") != std::string::npos);
  }
  SECTION("no version") {
    index.add("c", {{"1.0", ""}});
    const Error error = Run(index, "packages: [a]").refusal();
    CHECK(error.code() == ErrorCode::not_found);
    CHECK(error.message().find("the newest that could be installed is 1.0") != std::string::npos);
  }
  SECTION("each version with its reason") {
    index.add("c", {{"2.0", "", "cp311-cp311-macosx_11_0_arm64"},
                    {"2.1", "", "py3-none-any", R"(,"requires-python":"<3")"},
                    {"2.2", "", "", "", false}});
    const std::string message = Run(index, "packages: [a]").refusal().message();
    CHECK(message.find("c 2.0: has no wheel for Python 3.11 on linux/amd64 (glibc 2.28)") != std::string::npos);
    CHECK(message.find("c 2.1: needs Python <3") != std::string::npos);
    CHECK(message.find("c 2.2: has no wheel, and source archives are not allowed") != std::string::npos);
  }
  SECTION("a contradiction") {
    index.add("c", {{"2.0", ""}, {"1.0", ""}});
    const Error error = Run(index, "packages: [a, 'c<2']").refusal();
    CHECK(error.code() == ErrorCode::conflict);
    CHECK(error.message().find("b 1.0: needs 'c>=2', but c 1.0 is taken for 'c<2' in ") != std::string::npos);
    CHECK(error.message().find("asked for by 'b' of a 1.0 in ") != std::string::npos);
  }
}

TEST_CASE("without a metadata file the wheel is read by ranges, a source archive whole", "[ecosystem][pypi]") {
  const base::TempDir folder;
  const auto result = base::run_process({.argv = {"python3", "-c", R"(
import io, os, sys, tarfile, zipfile
os.chdir(sys.argv[1])
with zipfile.ZipFile('a-1.0-py3-none-any.whl', 'w') as z:
    z.writestr('a/data.bin', os.urandom(400000))
    z.writestr('a-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Dist: pulumi\nRequires-Dist: b\n')
    z.writestr('a/pulumi-plugin.json', '{"resource": true, "name": "a", "version": "v1.0.0"}')
def sdist(name, dynamic):
    with tarfile.open(name + '-1.0.tar.gz', 'w:gz') as t:
        for path, text in (('PKG-INFO', 'Metadata-Version: 2.2\nName: %s\nVersion: 1.0\n%s' % (name, dynamic)),
                           ('pyproject.toml', '[build-system]\nrequires = ["backend"]\n')):
            info = tarfile.TarInfo('%s-1.0/%s' % (name, path)); info.size = len(text)
            t.addfile(info, io.BytesIO(text.encode()))
sdist('b', ''); sdist('c', 'Dynamic: Requires-Dist\n')
)",
                                                  folder.path().string()}});
  REQUIRE(result.exit_code == 0);
  FakeIndex index;
  index.serve("a", folder.path() / "a-1.0-py3-none-any.whl");
  index.serve("b", folder.path() / "b-1.0.tar.gz");
  index.serve("c", folder.path() / "c-1.0.tar.gz");
  index.add("pulumi", {{"3.0", ""}});
  index.add("backend", {{"1.0", ""}});
  Run run(index, "packages: [a], sdist: true");
  CHECK(run.chosen() == Names{"a-1.0", "b-1.0.tar.gz", "backend-1.0", "pulumi-3.0"});
  REQUIRE(run.demands().size() == 1);
  CHECK(run.demands()[0].first.section == "pulumi");
  CHECK(run.demands()[0].first.values.at("plugins") == Names{"resource a@1.0.0"});
  CHECK(run.demands()[0].second == "pypi a 1.0");
  const model::FileRow& metadata = run.row("a/a-1.0-py3-none-any.whl.metadata");
  CHECK(metadata.pin.empty());
  CHECK(run.fetch(metadata).find("Requires-Dist: b") != std::string::npos);
  for (const auto& request : index.server.requests("/f/a-1.0-py3-none-any.whl")) {
    CHECK(request.field("Range").has_value());
  }
  CHECK(Run(index, "packages: [a]").refusal().message().find("b 1.0: has no wheel, and source archives") !=
        std::string::npos);
  CHECK(Run(index, "packages: [c], sdist: true").refusal().message().find("must be built") != std::string::npos);
  // An index that gives neither digests nor sizes, and promises a metadata file that it does not have.
  index.page("a", "<html><a href='../../f/a-1.0-py3-none-any.whl' data-core-metadata='true'>a</a></html>", "text/html");
  Run bare(index, "packages: [a], sdist: true");
  CHECK(bare.chosen() == Names{"a-1.0", "b-1.0.tar.gz", "backend-1.0", "pulumi-3.0"});
  CHECK(bare.row("a/a-1.0-py3-none-any.whl").pin.empty());
  CHECK(bare.row("a/a-1.0-py3-none-any.whl").verified == Verified::none);
  CHECK_FALSE(bare.row("a/a-1.0-py3-none-any.whl").length);
  CHECK(base::sha256(bare.fetch(bare.row("a/a-1.0-py3-none-any.whl.metadata"))) == *metadata.sha256);
}

TEST_CASE("lists with hashes take just the files that match", "[ecosystem][pypi]") {
  FakeIndex index;
  index.add("a", {{"1.0", "b", "py3-none-any"},
                  {"1.0", "b", "cp311-cp311-manylinux_2_17_x86_64"},
                  {"1.0", "b", "cp312-cp312-manylinux_2_17_x86_64"}});
  index.add("b", {{"1.0", ""}, {"2.0", ""}});
  const auto hash = [](const std::string& file) {
    return " --hash=sha256:" + base::sha256("content of " + file).hex();
  };
  Run run(index, "projects: [r.txt]");
  SECTION("of each platform that is wanted") {
    run.file("r.txt", "a==1.0" + hash("a-1.0-py3-none-any.whl") + hash("a-1.0-cp311-cp311-manylinux_2_17_x86_64.whl") +
                          hash("a-1.0-cp312-cp312-manylinux_2_17_x86_64.whl") + "\nb==1.0" +
                          hash("b-1.0-py3-none-any.whl") + "\n");
    CHECK(run.chosen() == Names{"a-1.0", "a-1.0", "b-1.0"});
  }
  SECTION("a hash that fits nothing") {
    run.file("r.txt", "b==1.0" + hash("b-2.0-py3-none-any.whl") + "\n");
    CHECK(run.refusal().message().find("none of its files for this platform has a hash that is given") !=
          std::string::npos);
  }
  SECTION("a list that is not whole") {
    run.file("r.txt", "a==1.0" + hash("a-1.0-py3-none-any.whl") + "\n");
    const std::string message = run.refusal().message();
    CHECK(message.find("no hash is given for it") != std::string::npos);
    CHECK(message.find("'b' of a 1.0 in") != std::string::npos);
  }
}

TEST_CASE("mistakes in the manifest have their place", "[ecosystem][pypi]") {
  FakeIndex index;
  for (const char* section : {"packages: ['>=1']", "packages: ['a @ https://h.example/a.whl']",
                              "packages: [a], glibc: '3'", "packages: [a], libc: [uclibc]", "projects: [./none]"}) {
    INFO(section);
    const Error error = Run(index, section).refusal();
    CHECK((error.code() == ErrorCode::manifest || error.code() == ErrorCode::not_found));
    CHECK(error.position()->line == 3);
  }
}

TEST_CASE("source archives whose building leads back to them are asked about once", "[ecosystem][pypi]") {
  const base::TempDir folder;
  const auto result = base::run_process({.argv = {"python3", "-c", R"(
import io, os, sys, tarfile
os.chdir(sys.argv[1])
for name, needs in (('a', 'b'), ('b', 'c'), ('c', 'b'), ('own', 'own')):
    with tarfile.open(name + '-1.0.tar.gz', 'w:gz') as t:
        for path, text in (('PKG-INFO', 'Metadata-Version: 2.2\nName: %s\nVersion: 1.0\n' % name),
                           ('pyproject.toml', '[build-system]\nrequires = ["%s"]\n' % needs)):
            info = tarfile.TarInfo('%s-1.0/%s' % (name, path)); info.size = len(text)
            t.addfile(info, io.BytesIO(text.encode()))
)",
                                                  folder.path().string()}});
  REQUIRE(result.exit_code == 0);
  FakeIndex index;
  for (const char* name : {"a", "b", "c", "own"}) {
    index.serve(name, folder.path() / fmt::format("{}-1.0.tar.gz", name));
  }
  CHECK(Run(index, "packages: [a], sdist: true").chosen() == Names{"a-1.0.tar.gz", "b-1.0.tar.gz", "c-1.0.tar.gz"});
  CHECK(Run(index, "packages: [own], sdist: true").chosen() == Names{"own-1.0.tar.gz"});
}

}  // namespace airlock::ecosystem::pypi
