// A package's documents, rebuilt from the catalog: its versions that are here, with addresses of this mirror.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/json.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::npm {

enum class Form { full, abbreviated };

// What the catalog has of one package.
struct Presence {
  struct Version {
    std::optional<store::CatalogRow> object, notes;
  };
  std::map<std::string, Version> versions;       // those with an object
  std::map<std::string, std::string> dist_tags;  // to versions that are among them; always with "latest"
};
// Empty when the package is not here, or all of it is withheld.
Presence find_package(const store::Catalog& catalog, const std::string& package);

// The object of one version as a registry at `base` gives it. Throws io when the store lacks its blob.
base::Json version_of(const store::BlobStore& blobs, const Presence::Version& version, std::string_view base);

// The whole document. `base` is "http://host/npm".
std::string package_document(const store::BlobStore& blobs, const Presence& presence, const std::string& package,
                             Form form, std::string_view base);

struct BuiltDocument {
  std::string text;
  std::string entity_tag;
};

// The documents that were asked for last, up to a number of bytes. Thread-safe.
class DocumentCache {
 public:
  using Key = std::tuple<std::uint64_t, std::string, Form, std::string>;  // catalog, package, form, base
  std::shared_ptr<const BuiltDocument> find(const Key& key);
  void put(const Key& key, std::shared_ptr<const BuiltDocument> document);

 private:
  struct Entry {
    std::shared_ptr<const BuiltDocument> document;
    std::list<Key>::iterator place;
  };
  std::mutex m_mutex;
  std::map<Key, Entry> m_entries;
  std::list<Key> m_order;  // asked for last first
  std::size_t m_bytes = 0;
};

}  // namespace airlock::ecosystem::npm
