// Catalog files and SHA256SUMS from a lock whose rows are complete.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/authoring.hpp"
#include "bundle/state_rows.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;
using model::FileRow;

namespace {

void require_complete(const FileRow& row) {
  if (row.kind != model::Kind::known && (!row.sha256 || !row.length)) {
    throw Error(ErrorCode::internal, fmt::format("'{}' has no digest or length yet", base::printable(row.path)));
  }
}

void require_name(const std::string& ecosystem) {
  if (!is_ecosystem_name(ecosystem)) {
    throw Error(ErrorCode::lock, fmt::format("'{}' cannot be the name of an ecosystem", base::printable(ecosystem)));
  }
}

// Calls `visit` for each run of rows that goes into one catalog.
template <typename Visit>
void for_each_catalog(const std::vector<FileRow>& rows, Visit&& visit) {
  for (std::size_t start = 0, number = 0; start < rows.size();) {
    std::size_t end = start;
    while (end < rows.size() && rows[end].ecosystem == rows[start].ecosystem && end - start < k_rows_per_catalog) {
      ++end;
    }
    visit(rows[start].ecosystem, number, std::span(rows).subspan(start, end - start));
    const bool goes_on = end < rows.size() && rows[end].ecosystem == rows[start].ecosystem;
    number = goes_on ? number + 1 : 0;
    start = end;
  }
}

}  // namespace

std::map<std::string, std::string> build_catalogs(const model::Lock& lock) {
  std::vector<FileRow> rows = lock.rows;
  std::ranges::sort(rows, model::row_before);
  std::map<std::string, std::string> targets;
  BlobTable blobs;
  for_each_catalog(rows, [&](const std::string& ecosystem, std::uint64_t number, std::span<const FileRow> part) {
    require_name(ecosystem);
    if (number >= k_catalogs_per_ecosystem) {
      throw Error(ErrorCode::limit, fmt::format("{} has more than {} rows", ecosystem, k_row_limit));
    }
    std::string& text = targets[catalog_target(ecosystem, number)];
    for (const FileRow& row : part) {
      require_complete(row);
      text += model::to_json_line(row, model::RowForm::catalog);
      text += '\n';
      if (row.sha256) {
        blobs.add(*row.sha256, *row.length);
      }
    }
  });
  targets[std::string(k_sums_target)] = sums_text(blobs.blobs());
  return targets;
}

}  // namespace airlock::bundle
