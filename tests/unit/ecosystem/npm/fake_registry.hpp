// A registry on a FaultServer: packages by version, with tarballs whose digests are true; and what is taken from it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "resolve_fixture.hpp"
#include "support/fault_server.hpp"

namespace airlock::ecosystem::npm {

inline std::string integrity_of(std::string_view content) {
  base::Hasher hasher(base::HashAlgorithm::sha512);
  hasher.update(content);
  const base::Digest digest = hasher.finish();
  return "sha512-" + base::base64_encode(
                         std::string_view(reinterpret_cast<const char*>(digest.bytes().data()), digest.bytes().size()));
}

class FakeRegistry {
 public:
  // `more` goes into the version's object: dependencies and the like.
  void add(const std::string& name, const std::string& version, const base::Json& more = base::Json::object()) {
    const std::string file = name.substr(name.rfind('/') + 1) + "-" + version + ".tgz";
    const std::string content = "tarball of " + name + " " + version;
    base::Json object = {{"name", name}, {"version", version}};
    object["dist"] = {{"integrity", integrity_of(content)}, {"tarball", m_server.url("/" + name + "/-/" + file)}};
    object.update(more);
    m_server.script("/" + name + "/-/" + file, {{.body = content}});
    base::Json& document = m_documents[name];
    document["name"] = name;
    document["versions"][version] = object;
    document["dist-tags"]["latest"] = version;  // the one added last
    document["time"][version] = "2020-01-01T00:00:00.000Z";
    publish(name);
  }
  void tag(const std::string& name, const std::string& tag, const std::string& version) {
    m_documents[name]["dist-tags"][tag] = version;
    publish(name);
  }
  base::Json& document(const std::string& name) { return m_documents[name]; }
  void publish(const std::string& name) {
    m_server.script(path_of(name),
                    {{.fields = {{"Content-Type", "application/json"}}, .body = m_documents[name].dump()}});
  }
  static std::string path_of(const std::string& name) {
    std::string path = "/" + name;
    if (const std::size_t slash = path.find('/', 1); slash != std::string::npos) {
      path.replace(slash, 1, "%2f");
    }
    return path;
  }
  test::FaultServer& server() { return m_server; }
  std::string url() const { return m_server.url(""); }
  // The manifest that resolves `npm` (a YAML mapping) against this registry.
  std::string manifest(const std::string& npm) const {
    return "npm: " + npm + "\nupstreams: { npm: { url: '" + url() + "' } }\n";
  }

 private:
  test::FaultServer m_server;
  std::map<std::string, base::Json> m_documents;
};

// The names of the tarballs among the files of a run, "a-1.0.0.tgz".
inline std::vector<std::string> tarballs(const Resolution& run, const std::vector<ResolvedFile>& files,
                                         model::Kind kind = model::Kind::file) {
  static_cast<void>(run);
  std::vector<std::string> names;
  for (const ResolvedFile& file : files) {
    if (file.row.kind == kind && file.row.path.ends_with(".tgz")) {
      names.push_back(file.row.path.substr(file.row.path.rfind('/') + 1));
    }
  }
  return names;
}

}  // namespace airlock::ecosystem::npm
