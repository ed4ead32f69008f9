#include "ecosystem/file/paths.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "ecosystem/file/file.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/recording_reporter.hpp"

namespace airlock::ecosystem::file {

namespace fs = std::filesystem;
using base::ErrorCode;

namespace {

struct Manifest {
  base::TempDir folder;
  test::RecordingReporter reporter;

  std::vector<LocalFile> local(const std::string& entry) {
    const model::Manifest manifest = parsed(entry);
    return local_files(manifest.entries.at(0), reporter);
  }
  std::string for_url(const std::string& entry) const {
    const model::Manifest manifest = parsed(entry);
    return path_for_url(manifest.entries.at(0), base::Url::parse(manifest.entries.at(0).text("url")));
  }
  model::Manifest parsed(const std::string& entry) const {
    return model::parse_manifest("name: a\nfiles: [" + entry + "]\n", (folder.path() / "m.yaml").string(),
                                 descriptor().sections);
  }
  void write(const std::string& name, std::string_view content = "x") const {
    base::make_directories((folder.path() / name).parent_path());
    base::write_file_atomic(folder.path() / name, content);
  }
};

std::vector<std::string> paths(const std::vector<LocalFile>& files) {
  std::vector<std::string> result;
  for (const LocalFile& file : files) {
    result.push_back(file.path);
  }
  return result;
}

}  // namespace

TEST_CASE("a URL without a path is served under its host and path", "[ecosystem][file]") {
  const Manifest manifest;
  CHECK(manifest.for_url("'https://Host.example/a/b%20c.pdf'") == "host.example/a/b c.pdf");
  CHECK(manifest.for_url("'http://host.example:8080/a'") == "host.example_8080/a");
  CHECK(manifest.for_url("{url: 'https://h.example/a?v=2', path: docs/a}") == "docs/a");
  CHECK(manifest.for_url("{url: 'https://h.example/x/a.pdf', path: docs/}") == "docs/a.pdf");
}

TEST_CASE("a URL that gives no usable path asks for one", "[ecosystem][file]") {
  const Manifest manifest;
  const std::string entry =
      GENERATE(as<std::string>{}, "'https://h.example'", "'https://h.example/'", "'https://h.example/a/'",
               "'https://h.example/a?b=c'", "'https://h.example/a/%2e%2e/b'", "'https://h.example/a//b'",
               "'https://h.example/a%0ab'", "{url: 'https://h.example/a', path: ../b}",
               "{url: 'https://h.example/a', path: /b}", "{url: 'https://h.example/', path: docs/}");
  INFO(entry);
  const auto error = test::error_of([&] { return manifest.for_url(entry); });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK(error.position());
  CHECK(error.hint().find("path:") != std::string::npos);
}

TEST_CASE("a local file is served under its name or the given path", "[ecosystem][file]") {
  Manifest manifest;
  manifest.write("in/guide.pdf");
  CHECK(paths(manifest.local("{source: in/guide.pdf}")) == std::vector<std::string>{"guide.pdf"});
  CHECK(paths(manifest.local("{source: in/guide.pdf, path: docs/g.pdf}")) == std::vector<std::string>{"docs/g.pdf"});
  CHECK(paths(manifest.local("{source: in/guide.pdf, path: docs/}")) == std::vector<std::string>{"docs/guide.pdf"});
  fs::create_symlink("guide.pdf", manifest.folder.path() / "in/link.pdf");
  CHECK(paths(manifest.local("{source: in/link.pdf}")) == std::vector<std::string>{"link.pdf"});
}

TEST_CASE("a folder brings every file below it in order, and warns of links", "[ecosystem][file]") {
  Manifest manifest;
  for (const char* name : {"in/b", "in/a/2", "in/a/1", "in/.hidden"}) {
    manifest.write(name);
  }
  fs::create_symlink("/etc/passwd", manifest.folder.path() / "in/link");
  fs::create_directory_symlink("/etc", manifest.folder.path() / "in/folder-link");
  const std::string source = GENERATE(as<std::string>{}, "in", "in/", "./in");
  CHECK(paths(manifest.local("{source: " + source + "}")) ==
        std::vector<std::string>{"in/.hidden", "in/a/1", "in/a/2", "in/b"});
  CHECK(manifest.reporter.warnings().size() == 2);
  CHECK(paths(manifest.local("{source: in, path: site/docs}")).front() == "site/docs/.hidden");
}

TEST_CASE("a local source that cannot be taken is named by place", "[ecosystem][file]") {
  Manifest manifest;
  manifest.write("in/a");
  manifest.write("bad/a\nb");
  fs::create_directory(manifest.folder.path() / "empty");
  const std::string entry =
      GENERATE(as<std::string>{}, "{source: absent}", "{source: empty}", "{source: bad}", "{source: /dev/null}",
               "{source: in, sha256: '" + std::string(64, '0') + "'}", "{source: in/a, path: ../a}");
  INFO(entry);
  const auto error = test::error_of([&] { return manifest.local(entry); });
  CHECK(error.code() == ErrorCode::manifest);
  REQUIRE(error.position());
  CHECK(error.position()->line == 2);
}

}  // namespace airlock::ecosystem::file
