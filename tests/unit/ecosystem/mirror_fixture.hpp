// A home with one activated catalog, and a mirror of one ecosystem over it.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "ecosystem/ecosystem.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"
#include "support/catch.hpp"
#include "unit/http/http_fixture.hpp"

namespace airlock::ecosystem {

// Something to import: rows with their content, in the order given.
class MirrorHome {
 public:
  MirrorHome() : m_blobs(m_folder.path() / "blobs"), m_current(m_folder.path()) {}

  // `reason` is that of a withheld row.
  void add(model::FileRow row, std::string_view content, std::string reason = "") {
    row.length = content.size();
    row.sha256 = base::sha256(content);
    store::BlobStore::Writer writer(m_blobs, *row.sha256, content.size());
    writer.write(base::as_bytes(content));
    writer.finish();
    add_row(std::move(row), std::move(reason));
  }
  void add_row(model::FileRow row, std::string reason = "") {
    store::CatalogRow added;
    static_cast<model::FileRow&>(added) = std::move(row);
    added.channel = "test";
    added.generation = 1;
    added.reason = std::move(reason);
    m_rows.push_back(std::move(added));
  }
  void activate() {
    store::CatalogBuilder builder(m_folder.path(), m_current.get() ? m_current.get()->number() + 1 : 1);
    for (const store::CatalogRow& row : m_rows) {
      builder.add(row);
    }
    builder.publish();
  }

  MirrorContext context() {
    return {.catalog = [this] { return m_current.get(); },
            .blobs = m_blobs,
            .missing =
                [this](std::string_view ecosystem, std::string_view name) {
                  const std::scoped_lock lock(m_mutex);
                  m_missing.emplace_back(ecosystem, name);
                }};
  }
  std::vector<std::pair<std::string, std::string>> missing() const {
    const std::scoped_lock lock(m_mutex);
    return m_missing;
  }
  const store::BlobStore& blobs() const { return m_blobs; }
  const std::filesystem::path& path() const { return m_folder.path(); }

 private:
  base::TempDir m_folder;
  store::BlobStore m_blobs;
  store::CurrentCatalog m_current;
  std::vector<store::CatalogRow> m_rows;
  mutable std::mutex m_mutex;
  std::vector<std::pair<std::string, std::string>> m_missing;
};

// A running server with the routes of one ecosystem.
class MirrorServer {
 public:
  MirrorServer(MirrorHome& home, const Ecosystem& ecosystem)
      : m_server({.port = 0}, [&] {
          http::Router router;
          ecosystem.mount(router, home.context());
          return router;
        }()) {
    m_server.start();
  }
  ~MirrorServer() { m_server.stop(); }
  MirrorServer(const MirrorServer&) = delete;
  MirrorServer& operator=(const MirrorServer&) = delete;

  // The target goes out as it is, dots and escapes included.
  std::string raw(std::string_view method, std::string_view target, std::string_view fields = "") {
    http::RawClient client(m_server.port());
    REQUIRE(client.send(std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: mirror.example\r\n" +
                        std::string(fields) + "Connection: close\r\nContent-Length: 0\r\n\r\n"));
    return client.read_to_end();
  }
  int status(std::string_view method, std::string_view target) { return http::status_of_response(raw(method, target)); }
  std::string body(std::string_view target) { return http::body_of_response(raw("GET", target)); }
  std::uint16_t port() const { return m_server.port(); }

 private:
  http::Server m_server;
};

inline model::FileRow plain_row(std::string ecosystem, std::string path, model::Kind kind = model::Kind::file) {
  model::FileRow row;
  row.ecosystem = std::move(ecosystem);
  row.path = std::move(path);
  row.kind = kind;
  row.media_type = "text/plain";
  row.origin = "file:x";
  return row;
}

}  // namespace airlock::ecosystem
