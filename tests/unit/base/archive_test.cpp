#include "base/archive.hpp"

#include "base/files.hpp"
#include "base/process.hpp"
#include "support/errors.hpp"
#include "unit/base/tar_text.hpp"

using namespace airlock::base;
using namespace airlock::test;

namespace {

using Contents = std::vector<std::pair<std::string, std::string>>;

Contents contents_of(const fs::path& path) {
  Contents found;
  walk_archive(path, [&](const ArchiveMember& member, ByteSource& content) {
    found.emplace_back(member.name, read_all(content, 1'000'000));
    return true;
  });
  return found;
}

// A folder with the usual and the unusual: files, a link of either kind, a fifo, a folder.
void fill(const fs::path& folder) {
  make_directories(folder / "d");
  write_file_atomic(folder / "d" / "a.txt", "hello");
  write_file_atomic(folder / "d" / "big", std::string(300'000, 'b'));
  fs::create_symlink("a.txt", folder / "d" / "link");
  fs::create_hard_link(folder / "d" / "a.txt", folder / "d" / "z-hard");
}

}  // namespace

TEST_CASE("the regular files of a tar are walked, however it is compressed", "[base][archive]") {
  const auto [flag, program] = GENERATE(table<std::string, std::string>(
      {{"", "tar"}, {"-z", "gzip"}, {"-J", "xz"}, {"-j", "bzip2"}, {"--zstd", "zstd"}}));
  if (!program_exists("tar") || !program_exists(program)) {
    WARN("skipped: " << program << " is not installed");
    return;
  }
  const TempDir dir;
  fill(dir.path() / "in");
  const fs::path archive = dir.path() / "x.tar";
  std::vector<std::string> argv = {"tar", "-C", (dir.path() / "in").native(), "--sort=name", "-cf", archive.native()};
  if (!flag.empty()) {
    argv.push_back(flag);
  }
  argv.push_back("d");
  REQUIRE(run_process({.argv = argv}).exit_code == 0);
  CHECK(contents_of(archive) == Contents{{"d/a.txt", "hello"}, {"d/big", std::string(300'000, 'b')}});
}

TEST_CASE("the regular files of a zip are walked", "[base][archive]") {
  if (!program_exists("python3")) {
    WARN("skipped: python3 is not installed");
    return;
  }
  const TempDir dir;
  const fs::path archive = dir.path() / "x.zip";
  const std::string script = "import sys, zipfile\n"
                             "z = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\n"
                             "z.writestr('d/a.txt', 'hello'); z.mkdir('e') if hasattr(z, 'mkdir') else None\n"
                             "z.writestr('d/ä', 'b' * 100000); z.close()\n";
  REQUIRE(run_process({.argv = {"python3", "-c", script, archive.native()}}).exit_code == 0);
  CHECK(contents_of(archive) == Contents{{"d/a.txt", "hello"}, {"d/ä", std::string(100'000, 'b')}});
}

TEST_CASE("content that is left unread is skipped, and the walk stops when asked", "[base][archive]") {
  const TarFile file(tar_member("a", std::string(5000, 'a')) + tar_member("b", "bb") + tar_member("c", "c") +
                     tar_end());
  std::vector<std::string> names;
  walk_archive(file.path(), [&](const ArchiveMember& member, ByteSource& content) {
    names.push_back(member.name);
    if (member.name == "a") {
      std::array<std::byte, 10> part{};
      CHECK(content.read(part) == 10);
      CHECK(member.size == 5000);
    }
    return member.name != "b";
  });
  CHECK(names == std::vector<std::string>{"a", "b"});
}

TEST_CASE("what the visitor throws comes through", "[base][archive]") {
  const TarFile file(tar_member("a", "1") + tar_end());
  CHECK(code_of([&] {
          walk_archive(file.path(),
                       [](const ArchiveMember&, ByteSource&) -> bool { throw Error(ErrorCode::conflict, "no"); });
          return 0;
        }) == ErrorCode::conflict);
}

TEST_CASE("what is no archive is malformed, and an absent file is not_found", "[base][archive]") {
  const TempDir dir;
  const fs::path path = dir.path() / "x";
  CHECK(code_of([&] { return contents_of(path); }) == ErrorCode::not_found);
  for (const std::string& text : {std::string(), std::string("plain text"), std::string(2000, 'x'),
                                  std::string("PK\x03\x04junk"), std::string("\x1F\x8B\x08\0junk", 8)}) {
    write_file_atomic(path, text);
    CHECK(code_of([&] { return contents_of(path); }) == ErrorCode::malformed);
  }
}

TEST_CASE("an archive that is cut inside a member is malformed", "[base][archive]") {
  const std::string whole = tar_member("a", std::string(5000, 'a')) + tar_end();
  const TarFile file(whole.substr(0, 2000));
  CHECK(code_of([&] { return contents_of(file.path()); }) == ErrorCode::malformed);
}

TEST_CASE("hostile names are handed over as they are and touch nothing", "[base][archive]") {
  std::string member = tar_header("a", 1, 0);
  const std::string name = "../../etc/passwd";
  member.replace(0, name.size(), name);
  std::fill_n(member.begin() + 148, 8, ' ');
  unsigned int sum = 0;
  for (const char c : member) {
    sum += static_cast<unsigned char>(c);
  }
  for (std::size_t i = 0; i < 6; ++i) {
    member[153 - i] = static_cast<char>('0' + ((sum >> (3 * i)) & 7));
  }
  member[154] = '\0';
  const TarFile file(member + "x" + std::string(511, '\0') + tar_end());
  CHECK(contents_of(file.path()) == Contents{{"../../etc/passwd", "x"}});
}

TEST_CASE("one gzip stream is decompressed, and nothing else is taken for one", "[archive]") {
  const std::string plain(200'000, 'x');
  const auto packed = run_process({.argv = {"gzip", "-c"}, .input = plain, .environment = {}});
  REQUIRE(packed.exit_code == 0);
  StringSink sink(plain.size());
  gunzip(packed.output, sink, "text");
  CHECK(sink.take() == plain);
  const auto code = [](std::string_view text, std::size_t limit) {
    return code_of([&] {
      StringSink into(limit);
      gunzip(text, into, "text");
      return 0;
    });
  };
  CHECK(code(packed.output, plain.size() - 1) == ErrorCode::limit);
  CHECK(code(packed.output.substr(0, packed.output.size() - 9), plain.size()) == ErrorCode::malformed);
  CHECK(code("plain text", 100) == ErrorCode::malformed);
  CHECK(code("", 100) == ErrorCode::malformed);
  CHECK(code("\x1f\x8b", 100) == ErrorCode::malformed);
}
