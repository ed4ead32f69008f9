// An index on a FaultServer: projects by release, with files whose digests are true.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "ecosystem/pypi/pypi.hpp"
#include "resolve_fixture.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::pypi {

struct Release {
  std::string version;
  std::string needs;  // "b>=1\nc" ; a requirement a line
  std::string tags = "py3-none-any";
  std::string more;  // of the index entry: ,"yanked":true
  bool wheel = true;
};

// An index with metadata files; what is not stated is not there.
struct FakeIndex {
  test::FaultServer server;
  std::map<std::string, std::string> pages;

  static std::string metadata(const std::string& name, const Release& release) {
    std::string text = fmt::format("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", name, release.version);
    for (const std::string& one : base::split(release.needs, '\n')) {
      text += one.empty() ? "" : "Requires-Dist: " + one + "\n";
    }
    return text;
  }
  void add(const std::string& name, const std::vector<Release>& releases) {
    std::string files;
    for (const Release& release : releases) {
      const std::string file = release.wheel ? fmt::format("{}-{}-{}.whl", name, release.version, release.tags)
                                             : fmt::format("{}-{}.tar.gz", name, release.version);
      const std::string content = "content of " + file, text = metadata(name, release);
      server.script("/f/" + file, {{.body = content}});
      server.script("/f/" + file + ".metadata", {{.body = text}});
      files += fmt::format(
          R"({}{{"filename":"{}","url":"../../f/{}","hashes":{{"sha256":"{}"}},"size":{}{}{}}})",
          files.empty() ? "" : ",", file, file, base::sha256(content).hex(), content.size(),
          release.wheel ? fmt::format(R"(,"core-metadata":{{"sha256":"{}"}})", base::sha256(text).hex()) : "",
          release.more);
    }
    page(name, fmt::format(R"({{"meta":{{"api-version":"1.1"}},"name":"{}","files":[{}]}})", name, files));
  }
  // A file on disk as the only one of its project.
  void serve(const std::string& name, const std::filesystem::path& path) {
    const std::string file = path.filename().string(), content = base::read_file(path, 1 << 20);
    server.script("/f/" + file, {{.body = content}});
    page(
        name,
        fmt::format(
            R"({{"meta":{{"api-version":"1.0"}},"name":"{}","files":[{{"filename":"{}","url":"../../f/{}","hashes":{{"sha256":"{}"}},"size":{}}}]}})",
            name, file, file, base::sha256(content).hex(), content.size()));
  }
  void page(const std::string& name, const std::string& body,
            const std::string& type = "application/vnd.pypi.simple.v1+json") {
    server.script("/simple/" + name + "/", {{.fields = {{"Content-Type", type}}, .body = body}});
  }
  std::string manifest(const std::string& section) const {
    return "platforms: [linux/amd64]\npypi: { python: ['3.11'], " + section + " }\nupstreams: { pypi: { url: '" +
           server.url("/simple/") + "' } }\n";
  }
};

struct Run : Resolution {
  Run(const FakeIndex& index, const std::string& section) : Resolution(descriptor(), index.manifest(section)) {}
  // "a-1.0", sorted; of the rows of kind file.
  std::vector<std::string> chosen() {
    std::vector<std::string> names;
    for (const ResolvedFile& file : run()) {
      if (file.row.kind == model::Kind::file) {
        const std::string name = file.row.path.substr(file.row.path.find('/') + 1);
        names.push_back(name.ends_with(".whl") ? name.substr(0, name.find('-', name.find('-') + 1)) : name);
      }
    }
    return names;
  }
  base::Error refusal() {
    return test::error_of([&] { return run().size(); });
  }
};

}  // namespace airlock::ecosystem::pypi
