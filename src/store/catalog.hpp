// What is served: the union of the active generations in one immutable SQLite file, `HOME/catalog/N.db`, switched by
// renaming `current` (docs/formats/catalog-database.md). Readers never lock and never see half a change.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "model/file_row.hpp"

namespace airlock::store {

struct CatalogRow : model::FileRow {
  std::string channel;
  std::uint64_t generation = 0;
  std::string reason = {};    // of a withheld row: why, for clients; empty: it was refused or damaged on import
  std::string producer = {};  // hex, of a row that is added, for messages; a catalog does not keep it
};
// "is blocked on this side: REASON": what follows the name of a withheld row in an answer to a client.
std::string why_withheld(const CatalogRow& row);

class Catalog {
 public:
  // nullptr when nothing was ever activated. Thread-safe to use: each thread gets a connection of its own.
  static std::shared_ptr<const Catalog> open_current(const std::filesystem::path& home);
  static std::shared_ptr<const Catalog> open(const std::filesystem::path& file);
  virtual ~Catalog();

  std::uint64_t number() const;  // N; rises with each activation
  std::optional<CatalogRow> find(std::string_view ecosystem, std::string_view path) const;
  // Rows whose path begins with `prefix`, in order of path, after `after` (exclusive), at most `limit`.
  std::vector<CatalogRow> list(std::string_view ecosystem, std::string_view prefix, std::string_view after = "",
                               std::size_t limit = 1'000'000) const;
  void for_each(std::string_view ecosystem, const std::function<bool(const CatalogRow&)>& visit) const;
  // The sha256 of content that upstream knows under another digest ("sha512:…").
  std::optional<base::Digest> alias(const base::Digest& other) const;
  std::vector<CatalogRow> find_digest(const base::Digest& sha256) const;
  std::uint64_t row_count(std::string_view ecosystem) const;

 private:
  struct Impl;
  explicit Catalog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

// The first row below `prefix` that is withheld: why an index that would be empty is refused. nullopt: there is none.
std::optional<CatalogRow> find_withheld(const Catalog& catalog, std::string_view ecosystem, std::string_view prefix);

// The catalog in use, reopened when `current` points elsewhere; cheap to ask for each request. Thread-safe.
class CurrentCatalog {
 public:
  explicit CurrentCatalog(std::filesystem::path home);
  ~CurrentCatalog();
  std::shared_ptr<const Catalog> get() const;  // nullptr: nothing activated yet

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

// A mutable name that two channels have with different content: one is served under it, the other by its digest only.
struct SharedName {
  std::string ecosystem, path;
  std::string served_from, other;               // channels
  std::string served_producer, other_producer;  // hex; empty where they are not known
  std::optional<base::Digest> served, hidden;
};

// Writes a new catalog file beside `current`; publish() syncs it and switches.
class CatalogBuilder {
 public:
  CatalogBuilder(std::filesystem::path home, std::uint64_t number);
  ~CatalogBuilder();
  // Rows of one path from two channels: immutable paths with different content throw untrusted naming both channels;
  // of mutable ones (kind tag) the row added last is served. A `known` row yields to one with content, and content
  // yields to a `withheld` row of the same digest: what an administrator refused stays refused.
  void add(const CatalogRow& row);
  void add_alias(const base::Digest& other, const base::Digest& sha256);
  // Ends the file and brings it onto the medium under its name; nobody sees it yet. What can fail, fails here.
  void prepare();
  // Calls prepare() if need be, then switches `current` and removes all but the newest few older catalogs.
  void publish();
  std::uint64_t number() const;
  // Mutable names of which one target gave way to another: how many, and the first of them.
  std::uint64_t shared_name_count() const;
  const std::vector<SharedName>& shared_names() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

// The number in `HOME/catalog/current`; 0 when nothing was ever activated.
std::uint64_t current_catalog_number(const std::filesystem::path& home);

}  // namespace airlock::store
