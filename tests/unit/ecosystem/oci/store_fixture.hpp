// A home with blobs and a catalog, filled with what a resolver emitted or with rows by hand.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.hpp"
#include "ecosystem/ecosystem.hpp"
#include "ecosystem/oci/rows.hpp"
#include "images.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"

namespace airlock::ecosystem::oci {

class TestHome {
 public:
  base::TempDir folder;
  store::BlobStore blobs{folder.path() / "blobs"};

  // A row by hand; content goes to the store.
  store::CatalogRow& add(const std::string& path, std::string_view content, std::string_view media_type,
                         model::Kind kind = model::Kind::file) {
    store::CatalogRow row;
    row.ecosystem = k_ecosystem;
    row.path = path;
    row.artifact = "pkg:oci/x";
    row.kind = kind;
    row.media_type = media_type;
    row.origin = "https://r.example/v2/x";
    row.channel = "test";
    row.generation = 1;
    if (kind != model::Kind::known) {
      row.sha256 = base::sha256(content);
      row.length = content.size();
      put(content);
    }
    return m_rows.emplace_back(std::move(row));
  }
  void put(std::string_view content) {
    const base::Digest digest = base::sha256(content);
    if (!blobs.file_exists(digest, content.size())) {
      store::BlobStore::Writer writer(blobs, digest, content.size());
      writer.write(base::as_bytes(content));
      writer.finish();
    }
  }
  void add_manifest(const std::string& repository, const std::string& bytes, const std::string& tag = "") {
    const Manifest manifest = parse_manifest(bytes, "", "test");
    add(repository + "@" + digest_text(bytes), bytes, manifest.media_type);
    if (!tag.empty()) {
      add(repository + ":" + tag, bytes, manifest.media_type, model::Kind::tag);
    }
    if (manifest.subject) {
      add(referrer_path(repository, manifest.subject->digest, base::sha256(bytes)), bytes, manifest.media_type,
          model::Kind::meta);
    }
  }
  void add_blob(const std::string& repository, std::string_view content) {
    add(repository + "@" + digest_text(content), content, k_layer_type);
  }
  // Both platforms, or the index and amd64 only.
  enum class Platforms { amd64, both };
  void add_image(const std::string& repository, const std::string& tag, Platforms platforms,
                 const TwoPlatforms& two = {}) {
    add_blob(repository, two.amd64_config);
    add_blob(repository, two.amd64_layer);
    add_manifest(repository, two.amd64);
    if (platforms == Platforms::both) {
      add_blob(repository, two.arm64_config);
      add_blob(repository, two.arm64_layer);
      add_manifest(repository, two.arm64);
    } else {
      add(repository + "@" + digest_text(two.arm64), "", k_oci_manifest, model::Kind::known).platform = "linux/arm64";
    }
    add_manifest(repository, two.index, tag);
  }
  void alias(const base::Digest& other, const base::Digest& sha256) { m_aliases.emplace_back(other, sha256); }

  // Makes everything that was added so far visible; once.
  std::shared_ptr<const store::Catalog> publish() {
    store::CatalogBuilder builder(folder.path(), ++m_number);
    for (const store::CatalogRow& row : m_rows) {
      builder.add(row);
    }
    for (const auto& [other, sha256] : m_aliases) {
      builder.add_alias(other, sha256);
    }
    builder.publish();
    return store::Catalog::open_current(folder.path());
  }

 private:
  std::uint64_t m_number = 0;
  std::vector<store::CatalogRow> m_rows;
  std::vector<std::pair<base::Digest, base::Digest>> m_aliases;
};

}  // namespace airlock::ecosystem::oci
