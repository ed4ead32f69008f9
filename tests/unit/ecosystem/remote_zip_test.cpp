#include "ecosystem/remote_zip.hpp"

#include "base/files.hpp"
#include "base/process.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem {

using base::ErrorCode;
using test::code_of;

namespace {

// An archive made by Python's zipfile: `script` has `z`, a ZipFile.
std::string made(const std::string& script) {
  const base::TempDir folder;
  const auto file = folder.path() / "a.zip";
  const auto result =
      base::run_process({.argv = {"python3", "-c",
                                  "import zipfile, sys\nz = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\n" +
                                      script + "\nz.close()",
                                  file.string()}});
  INFO(result.errors);
  REQUIRE(result.exit_code == 0);
  return base::read_file(file, 64 << 20);
}

struct Remote {
  std::string archive;
  std::uint64_t asked = 0;  // bytes
  int requests = 0;
  RemoteZip open() {
    return RemoteZip(
        [this](std::uint64_t offset, std::uint64_t length) {
          REQUIRE(offset + length <= archive.size());
          asked += length;
          ++requests;
          return archive.substr(offset, length);
        },
        archive.size(), "a.zip");
  }
};

}  // namespace

TEST_CASE("a member is read without the rest", "[ecosystem][zip]") {
  Remote remote{made("import os\nz.writestr('big', os.urandom(3000000))\nz.writestr('d/METADATA', 'Name: x\\n' * 50)")};
  const RemoteZip zip = remote.open();
  REQUIRE(zip.members().size() == 2);
  REQUIRE(zip.find("d/METADATA") != nullptr);
  CHECK(zip.find("none") == nullptr);
  CHECK(zip.read(*zip.find("d/METADATA"), 10'000).size() == 400);
  CHECK(remote.requests == 1);
  CHECK(remote.asked < 100'000);
  CHECK(zip.read(*zip.find("big"), 4'000'000).size() == 3'000'000);
  CHECK(code_of([&] { return zip.read(*zip.find("big"), 100'000); }) == ErrorCode::limit);
}

TEST_CASE("long comments, zip64 and many members are read", "[ecosystem][zip]") {
  Remote comment{made("z.writestr('a', 'x')\nz.comment = b'c' * 65000")};
  CHECK(comment.open().members().size() == 1);
  Remote many{made("for i in range(70000): z.writestr(str(i), '')")};
  const RemoteZip zip = many.open();
  CHECK(zip.members().size() == 70'000);
  CHECK(zip.read(*zip.find("69999"), 10).empty());
  Remote empty{made("pass")};
  CHECK(empty.open().members().empty());
}

TEST_CASE("hostile archives are refused", "[ecosystem][zip]") {
  const std::string good = made("z.writestr('a', 'hello' * 100)\nz.writestr('b', 'world')");
  const auto refused = [](std::string archive) {
    return code_of([&] {
      Remote remote{std::move(archive)};
      const RemoteZip zip = remote.open();
      for (const ZipMember& member : zip.members()) {
        zip.read(member, 1 << 20);
      }
    });
  };
  CHECK(refused("") == ErrorCode::malformed);
  CHECK(refused("<html>no zip</html> and some more text") == ErrorCode::malformed);
  CHECK(refused(good + "x") == ErrorCode::malformed);
  CHECK(refused(good.substr(1)) == ErrorCode::malformed);
  CHECK(refused(good.substr(0, good.size() - 1)) == ErrorCode::malformed);
  std::string wrong = good;
  wrong[32] = static_cast<char>(wrong[32] ^ 1);  // in the first member's content
  CHECK(refused(wrong) == ErrorCode::malformed);
  Remote twice{made("import warnings\nwarnings.simplefilter('ignore')\nz.writestr('a', '1')\nz.writestr('a', '2')")};
  const RemoteZip zip = twice.open();
  CHECK(code_of([&] { return zip.find("a"); }) == ErrorCode::malformed);
}

}  // namespace airlock::ecosystem
