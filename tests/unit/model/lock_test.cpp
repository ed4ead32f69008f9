#include "model/lock.hpp"

#include <algorithm>

#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::model {

using base::ErrorCode;

namespace {

base::Digest digest(char c) {
  return base::Digest::parse_sha256_hex(std::string(64, c));
}

FileRow row(std::string ecosystem, std::string path, char content = 'a') {
  FileRow result;
  result.ecosystem = std::move(ecosystem);
  result.path = std::move(path);
  result.origin = "https://origin.example/" + result.path;
  result.length = 3;
  result.sha256 = digest(content);
  return result;
}

Lock sample() {
  Lock lock;
  lock.channel = "site-a";
  lock.platforms = {"linux/amd64", "linux/arm64"};
  lock.request = digest('7');
  lock.waivers = {{.upstream = "registry.example:5000", .what = "signatures-not-asked"}};
  lock.rows = {row("file", "docs/a"), row("file", "docs/b"), row("oci", "a")};
  return lock;
}

const std::string k_header = R"({"airlock_lock":1,"channel":"a","platforms":[],"request":")" + std::string(64, '0') +
                             R"(","waivers":[]})" + "\n";

base::Error refusal(const std::string& text) {
  return test::error_of([&] { return Lock::parse(text, "test.lock"); });
}

}  // namespace

TEST_CASE("a lock survives text and disk", "[model][lock]") {
  const Lock lock = sample();
  const Lock parsed = Lock::parse(lock.to_text(), "x");
  CHECK(parsed.to_text() == lock.to_text());
  CHECK(parsed.rows == lock.rows);
  CHECK(parsed.waivers == lock.waivers);
  CHECK(parsed.request == lock.request);

  const base::TempDir folder;
  lock.save(folder.path() / "a.lock");
  CHECK(Lock::read(folder.path() / "a.lock").to_text() == lock.to_text());
}

TEST_CASE("each line of a lock is one row, so that version control shows what changed", "[model][lock]") {
  const std::string text = sample().to_text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 4);
  CHECK(text.substr(0, text.find('\n')) ==
        R"({"airlock_lock":1,"channel":"site-a","platforms":["linux/amd64","linux/arm64"],"request":")" +
            std::string(64, '7') +
            R"(","waivers":[{"upstream":"registry.example:5000","what":"signatures-not-asked"}]})");
}

TEST_CASE("every mistake in a lock is named by its line", "[model][lock]") {
  const std::string a = R"({"ecosystem":"file","path":"a"})"
                        "\n";
  const std::string b = R"({"ecosystem":"file","path":"b"})"
                        "\n";
  const auto [text, line] = GENERATE_COPY(table<std::string, int>({
      {"", 1},
      {"\n", 1},
      {"name: x\n", 1},
      {"{}\n", 1},
      {R"({"airlock_lock":2,"channel":"a","platforms":[],"request":"","waivers":[]})"
       "\n",
       1},
      {R"({"airlock_lock":1,"channel":"A B","platforms":[],"request":"","waivers":[]})"
       "\n",
       1},
      {R"({"airlock_lock":1,"channel":"a","platforms":["linux"],"request":"","waivers":[]})"
       "\n",
       1},
      {R"({"airlock_lock":1,"channel":"a","platforms":[1],"request":"","waivers":[]})"
       "\n",
       1},
      {R"({"airlock_lock":1,"channel":"a","platforms":"linux/amd64","request":"","waivers":[]})"
       "\n",
       1},
      {R"({"airlock_lock":1,"channel":"a","platforms":[],"request":"zz","waivers":[]})"
       "\n",
       1},
      {R"({"airlock_lock":1,"channel":"a","platforms":[],"request":")" + std::string(64, '0') +
           R"(","waivers":[{"upstream":"x"}]})"
           "\n",
       1},
      {k_header.substr(0, k_header.size() - 2) + R"(,"more":1})"
                                                 "\n",
       1},
      {k_header + a + a, 3},
      {k_header + b + a, 3},
      {k_header + a + "\n", 3},
      {k_header + a + b.substr(0, b.size() - 1), 3},
      {k_header + R"({"ecosystem":"file","path":"../a"})"
                  "\n",
       2},
      {k_header + R"({"ecosystem":"file","path":"a","extra":"x"})"
                  "\n",
       2},
  }));
  INFO(text);
  const base::Error error = refusal(text);
  CHECK(error.code() == ErrorCode::lock);
  REQUIRE(error.position());
  CHECK(error.position()->line == line);
  CHECK(error.position()->file == "test.lock");
}

TEST_CASE("normalising sorts rows and drops those that stand twice", "[model][lock]") {
  Lock lock;
  FileRow with_pin_only = row("file", "b");
  with_pin_only.sha256.reset();
  with_pin_only.pin = "sha512:" + std::string(128, 'b');
  FileRow with_both = row("file", "b");
  with_both.pin = with_pin_only.pin;
  with_both.verified = Verified::upstream_digest;
  lock.rows = {row("oci", "a"), with_pin_only, row("file", "a"), with_both, row("file", "a")};
  lock.normalise();
  REQUIRE(lock.rows.size() == 3);
  CHECK(lock.rows[0].path == "a");
  CHECK(lock.rows[1].sha256 == digest('a'));
  CHECK(lock.rows[1].verified == Verified::upstream_digest);
  CHECK(lock.rows[2].ecosystem == "oci");
}

TEST_CASE("normalising does not depend on the order in which threads found rows", "[model][lock]") {
  FileRow first = row("file", "a");
  first.artifact = "pkg:generic/x";
  FileRow second = row("file", "a");
  second.artifact = "pkg:generic/y";
  Lock one;
  one.rows = {first, second};
  Lock other;
  other.rows = {second, first};
  one.normalise();
  other.normalise();
  CHECK(one.rows == other.rows);
}

TEST_CASE("one path with two contents is a conflict that names both", "[model][lock]") {
  Lock lock;
  FileRow other = row("file", "a", 'b');
  other.origin = "https://elsewhere.example/a";
  lock.rows = {row("file", "a"), other};
  const base::Error error = test::error_of([&] { lock.normalise(); });
  CHECK(error.code() == ErrorCode::conflict);
  CHECK(error.message().find("origin.example") != std::string::npos);
  CHECK(error.message().find("elsewhere.example") != std::string::npos);
}

TEST_CASE("two origins without any digest cannot fill one path", "[model][lock]") {
  Lock lock;
  FileRow first = row("file", "a");
  first.sha256.reset();
  first.length.reset();
  FileRow second = first;
  second.origin = "https://elsewhere.example/a";
  lock.rows = {first, second};
  CHECK(test::code_of([&] { lock.normalise(); }) == ErrorCode::conflict);
}

TEST_CASE("a wish for a file wins over the note that it was left out", "[model][lock]") {
  Lock lock;
  FileRow known;
  known.ecosystem = "npm";
  known.path = "x/-/x-1.0.0.tgz";
  known.kind = Kind::known;
  lock.rows = {known, row("npm", "x/-/x-1.0.0.tgz")};
  lock.normalise();
  REQUIRE(lock.rows.size() == 1);
  CHECK(lock.rows[0].kind == Kind::file);
}

TEST_CASE("paths that differ only in case are refused where clients fold case", "[model][lock]") {
  Lock lock;
  lock.rows = {row("file", "Docs/a"), row("file", "docs/A"), row("oci", "H/a"), row("oci", "h/a")};
  const base::Error error = test::error_of([&] {
    lock.normalise();
    return 0;
  });
  CHECK(error.code() == ErrorCode::conflict);
  CHECK(error.message().find("'Docs/a'") != std::string::npos);
  CHECK(error.message().find("'docs/A'") != std::string::npos);
  std::erase_if(lock.rows, [](const FileRow& each) { return each.path == "Docs/a"; });
  CHECK_NOTHROW(lock.normalise());
}

TEST_CASE("paths that differ only in composition are refused", "[model][lock]") {
  const std::string apart = "e\xCC\x81";  // é in two characters; then in one
  Lock lock;
  lock.rows = {row("file", apart), row("file", "\xC3\xA9")};
  const auto refusal = [&lock] {
    return test::error_of([&] {
      lock.normalise();
      return 0;
    });
  };
  CHECK(refusal().code() == ErrorCode::conflict);
  CHECK(refusal().message().find("or in how letters are composed") != std::string::npos);
  lock.rows = {row("file", apart)};
  CHECK_NOTHROW(lock.normalise());
  lock.rows = {row("go", apart)};
  CHECK(refusal().code() == ErrorCode::conflict);
  CHECK(refusal().message().find("is not composed as Unicode has it (NFC)") != std::string::npos);
}

TEST_CASE("the difference of two locks lists added, removed and changed rows in order", "[model][lock]") {
  Lock before;
  before.rows = {row("file", "a"), row("file", "b"), row("file", "c")};
  Lock after;
  after.rows = {row("file", "b", 'b'), row("file", "c"), row("file", "d")};
  const auto changes = diff(before, after);
  REQUIRE(changes.size() == 3);
  CHECK(changes[0].what == LockChange::What::removed);
  CHECK(changes[0].before.path == "a");
  CHECK(changes[1].what == LockChange::What::changed);
  CHECK(changes[1].after.sha256 == digest('b'));
  CHECK(changes[2].what == LockChange::What::added);
  CHECK(changes[2].after.path == "d");
  CHECK(diff(before, before).empty());
}

}  // namespace airlock::model
