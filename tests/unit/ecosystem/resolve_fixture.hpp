// One run of a resolver over a manifest's text, against a scripted server.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "ecosystem/ecosystem.hpp"
#include "ecosystem/upstream_access.hpp"
#include "http/client.hpp"
#include "model/manifest.hpp"
#include "support/catch.hpp"
#include "support/fault_server.hpp"
#include "support/recording_reporter.hpp"
#include "unit/http/http_fixture.hpp"

namespace airlock::ecosystem {

class Resolution {
 public:
  // `body` is the manifest without its name, written to `folder`/m.yaml.
  Resolution(const Ecosystem& ecosystem, const std::string& body, std::map<std::string, std::string> environment = {},
             std::filesystem::path recipes = {})
      : m_ecosystem(ecosystem), m_environment(std::move(environment)), m_recipes(std::move(recipes)) {
    base::write_file_atomic(m_folder.path() / "m.yaml", "name: test\n" + body);
  }

  const std::filesystem::path& folder() const { return m_folder.path(); }
  void file(const std::string& name, std::string_view content) const {
    base::make_directories((m_folder.path() / name).parent_path());
    base::write_file_atomic(m_folder.path() / name, content);
  }

  // Reads the manifest and resolves every entry; the files come sorted by path.
  const std::vector<ResolvedFile>& run() {
    start();
    for (const model::Entry& entry : m_manifest.entries) {
      m_resolver->resolve(entry, [this](ResolvedFile file) {
        const std::scoped_lock lock(m_mutex);
        m_files.push_back(std::move(file));
      });
    }
    std::sort(m_files.begin(), m_files.end(),
              [](const ResolvedFile& a, const ResolvedFile& b) { return model::row_before(a.row, b.row); });
    return m_files;
  }
  // The resolver without a run, as for a lock read from disk.
  Resolver& start() {
    m_manifest = model::read_manifests({m_folder.path() / "m.yaml"}, m_ecosystem.sections);
    auto options = client_options(m_manifest);
    const auto quick = http::quick_options();
    options.first_backoff = quick.first_backoff;
    options.retries = quick.retries;
    options.hosts.insert(quick.hosts.begin(), quick.hosts.end());
    m_client = std::make_unique<http::Client>(options);
    m_resolver = m_ecosystem.make_resolver({.http = *m_client,
                                            .manifest = m_manifest,
                                            .reporter = m_reporter,
                                            .recipes = m_recipes,
                                            .environment = m_environment,
                                            .demand = [this](const model::Request& request, std::string_view because) {
                                              const std::scoped_lock lock(m_mutex);
                                              m_demands.emplace_back(request, because);
                                            }});
    return *m_resolver;
  }
  const model::FileRow& row(const std::string& path) const {
    const auto found =
        std::find_if(m_files.begin(), m_files.end(), [&](const ResolvedFile& file) { return file.row.path == path; });
    REQUIRE(found != m_files.end());
    return found->row;
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> paths;
    for (const ResolvedFile& file : m_files) {
      paths.push_back(file.row.path);
    }
    return paths;
  }
  std::string fetch(const model::FileRow& row, std::uint64_t offset = 0,
                    std::optional<std::uint64_t> length = std::nullopt) {
    base::StringSink sink(1 << 20);
    m_resolver->fetchable(row)->fetch(offset, length, sink);
    return sink.take();
  }
  // What was asked for of other ecosystems, and by which package.
  const std::vector<std::pair<model::Request, std::string>>& demands() const { return m_demands; }
  test::RecordingReporter& reporter() { return m_reporter; }

 private:
  const Ecosystem& m_ecosystem;
  std::map<std::string, std::string> m_environment;
  std::filesystem::path m_recipes;
  base::TempDir m_folder;
  test::RecordingReporter m_reporter;
  model::Manifest m_manifest;
  std::unique_ptr<http::Client> m_client;
  std::unique_ptr<Resolver> m_resolver;
  std::mutex m_mutex;  // resolvers emit from several threads
  std::vector<ResolvedFile> m_files;
  std::vector<std::pair<model::Request, std::string>> m_demands;
};

}  // namespace airlock::ecosystem
