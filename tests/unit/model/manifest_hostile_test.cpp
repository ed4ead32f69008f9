// Manifests with every kind of mistake: the place, and where there is one, the suggestion.
#include "base/error.hpp"
#include "base/files.hpp"
#include "model/manifest.hpp"
#include "sections.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::model {

using base::ErrorCode;

namespace {

struct Mistake {
  std::string text;
  int line, column;  // 0: not looked at
  std::string part;  // of message or hint
};

void check(const Mistake& mistake) {
  INFO(mistake.text);
  const base::Error error = test::error_of([&] { return parse_manifest(mistake.text, "m.yaml", test_sections()); });
  INFO(error.message() << " | " << error.hint());
  CHECK(error.code() == ErrorCode::manifest);
  REQUIRE(error.position());
  CHECK(error.position()->file == "m.yaml");
  if (mistake.line != 0) {
    CHECK(error.position()->line == mistake.line);
  }
  if (mistake.column != 0) {
    CHECK(error.position()->column == mistake.column);
  }
  CHECK((error.message() + " | " + error.hint()).find(mistake.part) != std::string::npos);
}

}  // namespace

TEST_CASE("mistakes at the top of a manifest are named by place", "[model][manifest_hostile]") {
  const Mistake mistake = GENERATE(values<Mistake>({
      {"", 0, 0, "manifest"},
      {"- a\n", 1, 1, "mapping"},
      {"just text\n", 1, 1, "mapping"},
      {"name: [\n", 0, 0, ""},
      {"name: a\nname: b\n", 2, 1, "name"},
      {"images: [x]\n", 0, 0, "no name"},
      {"name:\n", 0, 0, "no value"},
      {"name: ''\n", 1, 7, "no value"},
      {"name: Site A\n", 1, 7, "channel"},
      {"name: -a\n", 1, 7, "channel"},
      {"name: " + std::string(64, 'a') + "\n", 1, 7, "channel"},
      {"name: [a]\n", 1, 7, "name"},
      {"name: a\nimags: [x]\n", 2, 1, "did you mean 'images'?"},
      {"name: a\nwhatever: [x]\n", 2, 1, "known are name"},
      {"name: a\nnuget: { packages: [left-pad] }\n", 2, 1, "no ecosystem 'nuget'"},
      {"name: a\nhelm: []\n", 2, 1, "no ecosystem 'helm'"},
      {"name: a\nplatforms: []\n", 2, 12, "empty list"},
      {"name: a\nplatforms: [linux/x86_64]\n", 2, 13, "did you mean 'amd64'?"},
      {"name: a\nplatforms: [linux/amd64, linux]\n", 2, 26, "not a platform"},
      {"name: a\nplatforms: {linux: amd64}\n", 2, 12, "platforms"},
      {"name: &a x\nplatforms: *a\n", 0, 0, ""},
      {"? [a]\n: b\n", 0, 0, ""},
  }));
  check(mistake);
}

TEST_CASE("mistakes in an entry are named by place", "[model][manifest_hostile]") {
  const Mistake mistake = GENERATE(values<Mistake>({
      {"name: a\nimages: x\n", 2, 9, "list of entries"},
      {"name: a\nimages: {ref: x}\n", 2, 9, "list of entries"},
      {"name: a\nimages:\n  - [x]\n", 3, 5, "text or a mapping"},
      {"name: a\nimages:\n  -\n", 0, 0, ""},
      {"name: a\nimages:\n  - ''\n", 3, 5, "no value"},
      {"name: a\nfiles:\n  - https://f.example/x\n", 3, 5, "cannot be plain text"},
      {"name: a\nimages:\n  - { ref: x, platfroms: [linux/amd64] }\n", 3, 15, "did you mean 'platforms'?"},
      {"name: a\nimages:\n  - { ref: x, zzz: 1 }\n", 3, 15, "known are ref"},
      {"name: a\nimages:\n  - { newest: 2 }\n", 3, 5, "needs one of 'ref', 'layout'"},
      {"name: a\nfiles:\n  - { sha256: 00 }\n", 3, 0, ""},
      {"name: a\nfiles:\n  - {}\n", 3, 5, "needs 'url'"},
      {"name: a\nimages:\n  - { ref: x, layout: y }\n", 3, 23, "both 'ref' and 'layout'"},
      {"name: a\nimages:\n  - { ref: }\n", 3, 0, "no value"},
      {"name: a\nimages:\n  - { ref: [x] }\n", 3, 12, "ref"},
      {"name: a\nimages:\n  - { ref: x, newest: -1 }\n", 3, 23, "newest"},
      {"name: a\nimages:\n  - { ref: x, newest: two }\n", 3, 23, "newest"},
      {"name: a\nimages:\n  - { ref: x, referrers: maybe }\n", 3, 26, "referrers"},
      {"name: a\nimages:\n  - { ref: x, tags: [] }\n", 3, 21, "empty list"},
      {"name: a\nimages:\n  - { ref: x, tags: [[y]] }\n", 3, 22, "tags"},
      {"name: a\nimages:\n  - { ref: x, platforms: [linux/amd46] }\n", 3, 27, "did you mean 'amd64'?"},
      {"name: a\nfiles:\n  - { url: x, sha256: abc }\n", 3, 23, "64 hexadecimal"},
      {"name: a\nimages:\n  - { ref: x, ref: y }\n", 3, 0, "ref"},
  }));
  check(mistake);
}

TEST_CASE("mistakes in upstreams are named by place", "[model][manifest_hostile]") {
  const Mistake mistake = GENERATE(values<Mistake>({
      {"name: a\nupstreams: [x]\n", 2, 12, "mapping"},
      {"name: a\nupstreams:\n  'https://h.example/': { plain_http: true }\n", 3, 3, "write the host alone"},
      {"name: a\nupstreams:\n  h.example: true\n", 3, 14, "mapping"},
      {"name: a\nupstreams:\n  h.example: { urll: 'https://x.example' }\n", 3, 16, "did you mean 'url'?"},
      {"name: a\nupstreams:\n  h.example: { token: secret }\n", 3, 16, "did you mean"},
      {"name: a\nupstreams:\n  h.example: { token_env: 'ghp-secret!' }\n", 3, 27, "secrets never stand"},
      {"name: a\nupstreams:\n  h.example: { url: 'https://u:p@x.example' }\n", 3, 21, "username_env"},
      {"name: a\nupstreams:\n  h.example: { url: 'x y' }\n", 3, 21, "not a URL"},
      {"name: a\nupstreams:\n  h.example: { url: }\n", 3, 0, "no value"},
      {"name: a\nupstreams:\n  h.example: { plain_http: sure }\n", 3, 28, "plain_http"},
      {"name: a\nupstreams:\n  h.example: { username_env: U }\n", 3, 14, "only one of"},
      {"name: a\nupstreams:\n  h.example: { token_env: T, username_env: U, password_env: P }\n", 3, 14, "a token and"},
  }));
  check(mistake);
}

TEST_CASE("a list of wants names packages and says nothing else", "[model][manifest_hostile]") {
  const base::TempDir folder;
  base::write_file_atomic(folder.path() / "m.yaml", "name: a\n");
  const auto read = [&](const std::string& wants) {
    base::write_file_atomic(folder.path() / "wants.yaml", wants);
    return read_manifests({folder.path() / "m.yaml"}, {folder.path() / "wants.yaml"}, test_sections(), {});
  };
  CHECK(read("images: [docker.io/library/debian:12, {ref: x/y, platforms: [linux/arm64]}]\n"
             "npm: { packages: [left-pad@1.3.0] }\n")
            .entries.size() == 3);
  const std::string text = GENERATE(values<std::string>({
      "name: b\n",
      "upstreams: { npm: { url: 'http://u.example', token_env: TOKEN } }\n",
      "files: [{ url: https://u.example/x }]\n",
      "images: [{ layout: /etc }]\n",
      "images: [{ ref: x/y, tags: ['*'] }]\n",
      "npm: { projects: [/home] }\n",
      "npm: { packages: ['a@https://u.example/a.tgz'] }\n",
      "npm: { packages: ['a@file:/etc/a.tgz'] }\n",
      "images: ['http://u.example/x']\n",
      "platforms: [linux/amd64]\n",
  }));
  INFO(text);
  const base::Error error = test::error_of([&] { return read(text); });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK(error.hint().find("-m") != std::string::npos);
  REQUIRE(error.position());
  CHECK(error.position()->file == (folder.path() / "wants.yaml").string());
}

TEST_CASE("a secret that stands where a variable's name belongs is not repeated", "[model][manifest_hostile]") {
  const base::Error error = test::error_of([] {
    return parse_manifest("name: a\nupstreams: { h.example: { token_env: 'hunter-2' } }\n", "m.yaml", test_sections());
  });
  CHECK((error.message() + error.hint()).find("hunter-2") == std::string::npos);
}

}  // namespace airlock::model
