#include "ecosystem/pypi/rows.hpp"

#include <fmt/format.h>

#include "model/purl.hpp"

namespace airlock::ecosystem::pypi {

using model::FileRow;
using model::Kind;
using model::Verified;

namespace {

FileRow make_row(const IndexFile& file, std::string_view suffix, Kind kind) {
  model::Purl purl;
  purl.type = k_ecosystem;
  purl.name = file.name.project;
  purl.version = file.name.version_text;
  FileRow row;
  row.ecosystem = k_ecosystem;
  row.path = fmt::format("{}/{}{}", file.name.project, file.file, suffix);
  row.artifact = purl.to_string();
  row.kind = kind;
  return row;
}

void describe(FileRow& row, std::string_view content) {
  row.length = content.size();
  row.sha256 = base::sha256(content);
}

}  // namespace

FileRow file_row(const IndexFile& file, std::string_view platform) {
  FileRow row = make_row(file, "", Kind::file);
  const bool zip = file.file.ends_with(".whl") || file.file.ends_with(".zip");
  row.media_type = zip ? "application/zip" : "application/octet-stream";
  row.platform = platform;
  row.origin = file.url.to_string();
  row.length = file.size;
  for (const char* algorithm : {"sha256", "sha512", "sha384"}) {
    if (const auto hash = file.hashes.find(algorithm); hash != file.hashes.end()) {
      row.pin = fmt::format("{}:{}", algorithm, hash->second);
      row.verified = Verified::upstream_digest;
      break;
    }
  }
  if (!file.sha256().empty()) {
    row.sha256 = base::Digest::parse_sha256_hex(file.sha256());
  }
  return row;
}

FileRow entry_row(const IndexFile& file, const base::Url& page, std::string_view content) {
  FileRow row = make_row(file, k_entry_suffix, Kind::meta);
  row.media_type = "application/json";
  row.origin = page.to_string();
  describe(row, content);
  return row;
}

FileRow metadata_row(const IndexFile& file, const FileMetadata& metadata) {
  FileRow row = make_row(file, k_metadata_suffix, Kind::meta);
  row.media_type = "text/plain";
  row.origin = file.url.to_string() + (metadata.stated ? std::string(k_metadata_suffix) : "");
  describe(row, metadata.text);
  if (metadata.stated && !file.core_metadata->empty()) {
    row.pin = row.sha256->to_string();
    row.verified = Verified::upstream_digest;
  }
  return row;
}

std::optional<RowPath> parse_row_path(std::string_view path) {
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos || !is_normalised(path.substr(0, slash))) {
    return std::nullopt;
  }
  RowPath found{.kind = RowPath::Kind::file, .project = std::string(path.substr(0, slash)), .file = {}};
  std::string_view file = path.substr(slash + 1);
  if (file.ends_with(k_entry_suffix)) {
    found.kind = RowPath::Kind::entry;
    file.remove_suffix(k_entry_suffix.size());
  } else if (file.ends_with(k_metadata_suffix)) {
    found.kind = RowPath::Kind::metadata;
    file.remove_suffix(k_metadata_suffix.size());
  }
  found.file = file;
  return parse_file_name(file, found.project) ? std::optional(found) : std::nullopt;
}

}  // namespace airlock::ecosystem::pypi
