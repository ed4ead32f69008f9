// Homes, channels, rows and blobs for tests of the store.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/files.hpp"
#include "model/file_row.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"
#include "store/state_db.hpp"

namespace airlock::store {

inline const ChannelKey k_one{.producer = std::string(64, 'p'), .channel = "one"};
inline const ChannelKey k_other_producer{.producer = std::string(64, 'q'), .channel = "one"};

// A home that this process may change.
struct Home {
  base::TempDir folder;
  StateDb state{folder.path(), StateDb::Access::change};
};

inline base::Time at(long seconds) {
  return base::Time(std::chrono::seconds(seconds));
}

inline base::Digest put(const BlobStore& blobs, std::string_view content) {
  const base::Digest digest = base::sha256(content);
  BlobStore::Writer writer(blobs, digest, content.size());
  writer.write(base::as_bytes(content));
  writer.finish();
  return digest;
}

inline model::FileRow file_row(std::string ecosystem, std::string path, std::string_view content = "content") {
  model::FileRow row;
  row.ecosystem = std::move(ecosystem);
  row.path = std::move(path);
  row.artifact = "pkg:generic/x";
  row.media_type = "text/plain";
  row.origin = "https://origin.example/x";
  row.verified = model::Verified::upstream_digest;
  row.length = content.size();
  row.sha256 = base::sha256(content);
  return row;
}

inline CatalogRow catalog_row(model::FileRow row, std::string channel = "one", std::uint64_t generation = 1) {
  CatalogRow result;
  static_cast<model::FileRow&>(result) = std::move(row);
  result.channel = std::move(channel);
  result.generation = generation;
  return result;
}

inline Generation generation(std::string channel, std::uint64_t serial) {
  Generation result;
  result.channel = {.producer = k_one.producer, .channel = std::move(channel)};
  result.serial = serial;
  result.bundle_id = std::string(64, 'b');
  result.created = base::Time(std::chrono::seconds(1'700'000'000 + static_cast<long>(serial)));
  result.imported = result.created;
  result.head_digest = std::string(64, 'h');
  return result;
}

}  // namespace airlock::store
