// Catalog files as text: lines, rows, order. For the files of this folder only; docs/formats/bundle.md, Catalogs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "model/file_row.hpp"

namespace airlock::bundle {

// Calls `visit` for each line without its end; a last line without one is visited too.
template <typename Visit>
void for_each_line(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    visit(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

struct CatalogName {
  std::string ecosystem;
  std::uint64_t number = 0;
};
std::optional<CatalogName> parse_catalog_target(std::string_view target);  // nullopt: no catalog has such a name
inline bool is_catalog_target(std::string_view target) {
  return parse_catalog_target(target).has_value();
}

// Rows of the catalogs of one ecosystem, file after file. Strict (docs/formats/bundle.md, Catalogs): every line a row
// as airlock writes it, paths strictly ascending across files, kinds that a bundle may carry, package URLs of the
// ecosystem's type and in their one spelling.
class CatalogReader {
 public:
  explicit CatalogReader(std::string ecosystem) : m_ecosystem(std::move(ecosystem)) {}

  // Throws tampered naming `name` and the line, limit beyond k_rows_per_catalog rows.
  void read(std::string_view text, std::string_view name, const std::function<void(const model::FileRow&)>& visit);

 private:
  void check(const model::FileRow& row, std::string_view line, std::string_view where) const;

  std::string m_ecosystem;
  std::string m_last_path, m_last_artifact;
};

// The types that package URLs of an ecosystem have (docs/formats/bundle.md, Catalogs); empty for one that is not known
// here.
std::string_view purl_type(std::string_view ecosystem);

}  // namespace airlock::bundle
