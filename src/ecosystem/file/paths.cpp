#include "ecosystem/file/paths.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/file_row.hpp"

namespace airlock::ecosystem::file {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

namespace {

std::string checked(std::string path, const model::Entry& entry, std::string_view field) {
  try {
    model::check_path(path, "files");
  } catch (const Error& error) {
    throw Error(ErrorCode::manifest, error.message())
        .at(entry.position_of(field))
        .with_hint("give the entry a `path:` such as docs/guide.pdf");
  }
  return path;
}

// What the entry's `path` and a name make together.
std::string placed(const model::Entry& entry, const std::string& name) {
  std::string path = entry.text("path");
  if (path.empty()) {
    return name;
  }
  return path.ends_with('/') ? path + name : path;
}

void add_folder(const model::Entry& entry, const fs::path& folder, const std::string& prefix, base::Reporter& reporter,
                std::vector<LocalFile>& files) {
  std::error_code failure;
  for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure)) {
    const std::string path = fmt::format("{}/{}", prefix, it->path().filename().string());
    switch (it->symlink_status(failure).type()) {
    case fs::file_type::directory:
      add_folder(entry, it->path(), path, reporter, files);
      break;
    case fs::file_type::regular:
      files.push_back({.path = checked(path, entry, "source"), .on_disk = it->path()});
      break;
    default:
      reporter.warning(fmt::format("{}: '{}' is left out, as it is a link or a special file",
                                   entry.position().to_string(), base::printable(path)));
    }
  }
  if (failure) {
    throw base::system_error(failure.value(), fmt::format("cannot read {}", folder.string()))
        .at(entry.position_of("source"));
  }
}

}  // namespace

std::string path_for_url(const model::Entry& entry, const base::Url& url) {
  if (entry.has("path") && !entry.text("path").ends_with('/')) {
    return checked(entry.text("path"), entry, "path");
  }
  if (url.path().ends_with('/') || !url.query().empty()) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' does not end in the name of a file", url.redacted()))
        .at(entry.position_of("url"))
        .with_hint("give the entry a `path:` such as docs/guide.pdf");
  }
  if (entry.has("path")) {
    return checked(entry.text("path") + url.file_name(), entry, "path");
  }
  std::string host = url.host_port();
  std::replace(host.begin(), host.end(), ':', '_');
  return checked(host + base::percent_decode(url.path()), entry, "url");
}

std::vector<LocalFile> local_files(const model::Entry& entry, base::Reporter& reporter) {
  fs::path source = entry.path("source");
  if (!source.has_filename()) {
    source = source.parent_path();  // "folder/" means "folder"
  }
  std::error_code failure;
  const fs::file_status status = fs::status(source, failure);
  std::vector<LocalFile> files;
  if (status.type() == fs::file_type::regular) {
    const std::string field = entry.has("path") ? "path" : "source";
    files.push_back({.path = checked(placed(entry, source.filename().string()), entry, field), .on_disk = source});
    return files;
  }
  if (status.type() != fs::file_type::directory) {
    throw Error(ErrorCode::manifest,
                status.type() == fs::file_type::not_found
                    ? fmt::format("there is no '{}'", base::printable(source.string()))
                    : fmt::format("'{}' is neither a file nor a folder", base::printable(source.string())))
        .at(entry.position_of("source"))
        .with_hint("relative paths begin at the folder of the manifest");
  }
  if (entry.has("sha256")) {
    throw Error(ErrorCode::manifest, "a folder has no sha256").at(entry.position_of("sha256"));
  }
  std::string prefix = entry.has("path") ? entry.text("path") : source.filename().string();
  if (prefix.ends_with('/')) {
    prefix.pop_back();
  }
  add_folder(entry, source, prefix, reporter, files);
  if (files.empty()) {
    throw Error(ErrorCode::manifest, fmt::format("the folder '{}' holds no files", base::printable(source.string())))
        .at(entry.position_of("source"));
  }
  std::sort(files.begin(), files.end(), [](const LocalFile& a, const LocalFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace airlock::ecosystem::file
