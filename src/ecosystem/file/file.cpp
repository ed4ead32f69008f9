#include "ecosystem/file/file.hpp"

#include "ecosystem/file/belonging.hpp"
#include "ecosystem/file/client_config.hpp"
#include "ecosystem/file/resolver.hpp"
#include "ecosystem/plain_tree.hpp"

namespace airlock::ecosystem::file {

namespace {

model::SectionSchema section() {
  using model::FieldType;
  return {.key = "files",
          .ecosystem = "file",
          .shorthand = "url",
          .fields = {{.name = "url", .help = "Where the file is, http or https.", .identity = true},
                     {.name = "source",
                      .type = FieldType::path,
                      .help = "A local file, or a folder of which every file is taken.",
                      .identity = true},
                     {.name = "path",
                      .help = "Where the mirror serves it, below /files/. Without it HOST/PATH of the URL, or the name "
                              "of the local file or folder; with '/' at its end, a folder that the name is put into.",
                      .identity = true},
                     {.name = "sha256",
                      .type = FieldType::digest,
                      .help = "What the content must be. Without it the first content fetched is taken as it is."},
                     {.name = "media_type", .help = "What the mirror answers as Content-Type."}},
          .one_of = {{"url", "source"}},
          .help = "Files from anywhere, served below /files/."};
}

}  // namespace

const Ecosystem& descriptor() {
  static const Ecosystem ecosystem = {
      .id = "file",
      .url_prefix = "/files/",
      .sections = {section()},
      .make_resolver = make_resolver,
      .mount = [](http::Router& router,
                  const MirrorContext& context) { mount_plain_tree(router, context, "file", "/files/"); },
      .push = {},
      .client_config = client_config,
      .belongs = belongs,
  };
  return ecosystem;
}

}  // namespace airlock::ecosystem::file
