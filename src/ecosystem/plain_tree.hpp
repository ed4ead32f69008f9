// Serving an ecosystem whose paths are plain file names: GET of a file, a listing as JSON, SHA256SUMS of any folder
// (docs/ecosystems/file.md, On the mirror).
#pragma once

#include <string>

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem {

// Adds, below `url_prefix` ("/files/"):
//   GET {path+}                  the file, with Range and entity tag; 404, and `missing`, where it is not here
//   GET {folder+}/SHA256SUMS     for `sha256sum -c`, made from the catalog where no such file was brought
//   GET ?prefix=&after=&limit=   {"format":1,"files":[{path,length,sha256,…}],"next":URL}; at most 1000 a page
void mount_plain_tree(http::Router& router, const MirrorContext& context, const std::string& ecosystem,
                      const std::string& url_prefix);

// A catalog row's blob as a response; for rows of kind file and meta.
http::ServerResponse serve_blob(const MirrorContext& context, const store::CatalogRow& row);

}  // namespace airlock::ecosystem
