// The rows of a package's file, and what their paths mean:
//   NAME/FILE            the wheel or source archive
//   NAME/FILE.json       its entry of the index page (kind meta), without its URL
//   NAME/FILE.metadata   a wheel's METADATA (kind meta)
#pragma once

#include <string>
#include <string_view>

#include "ecosystem/pypi/index.hpp"
#include "model/file_row.hpp"

namespace airlock::ecosystem::pypi {

inline constexpr std::string_view k_entry_suffix = ".json";
inline constexpr std::string_view k_metadata_suffix = ".metadata";

// `platform` of a wheel that runs on one only; else "".
model::FileRow file_row(const IndexFile& file, std::string_view platform);
model::FileRow entry_row(const IndexFile& file, const base::Url& page, std::string_view content);
model::FileRow metadata_row(const IndexFile& file, const FileMetadata& metadata);

struct RowPath {
  enum class Kind { file, entry, metadata } kind = Kind::file;
  std::string project;  // normalised
  std::string file;     // the wheel's or archive's
};
std::optional<RowPath> parse_row_path(std::string_view path);  // nullopt for what is no path of this ecosystem

}  // namespace airlock::ecosystem::pypi
