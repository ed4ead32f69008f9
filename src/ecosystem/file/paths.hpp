// Under which path a file of the manifest is served.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/reporter.hpp"
#include "base/url.hpp"
#include "model/manifest.hpp"

namespace airlock::ecosystem::file {

// The entry's `path`, else HOST/PATH of the URL ("host_port" for a port of its own). Throws manifest where that gives
// no usable path, such as a URL that ends in "/" or has a query.
std::string path_for_url(const model::Entry& entry, const base::Url& url);

struct LocalFile {
  std::string path;               // as served
  std::filesystem::path on_disk;  // absolute
};

// The file, or each regular file below the folder, in order of path. Links and special files inside a folder are left
// out with a warning. Throws manifest at the entry when nothing is there, the folder is empty, or a name cannot be
// served.
std::vector<LocalFile> local_files(const model::Entry& entry, base::Reporter& reporter);

}  // namespace airlock::ecosystem::file
