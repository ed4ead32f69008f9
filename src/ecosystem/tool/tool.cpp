#include "ecosystem/tool/tool.hpp"

#include "base/text.hpp"
#include "ecosystem/plain_tree.hpp"
#include "ecosystem/tool/belonging.hpp"
#include "ecosystem/tool/client_config.hpp"
#include "ecosystem/tool/resolver.hpp"

namespace airlock::ecosystem::tool {

namespace {

model::SectionSchema section() {
  using model::FieldType;
  return {
      .key = "tools",
      .ecosystem = "tool",
      .shorthand = {},
      .fields = {{.name = "name",
                  .help = "The tool; with a recipe of that name nothing more than a version is "
                          "needed.",
                  .identity = true,
                  .wanted = true},
                 {.name = "version", .help = "Exact, with or without a leading v.", .identity = true, .wanted = true},
                 {.name = "platforms", .type = FieldType::platforms, .help = "For which systems."},
                 {.name = "recipe",
                  .type = FieldType::path,
                  .help = "A recipe file of your own, instead of the one of that name."},
                 {.name = "url",
                  .help = "Where the release is, with {version}, {os}, {arch}, {goos}, {goarch}, "
                          "{ext} and {exe} in it; instead of the recipe's."},
                 {.name = "sha256", .type = FieldType::digest, .help = "What the release must be; for one platform."},
                 {.name = "checksums", .help = "Where the checksum file is, instead of the recipe's."},
                 {.name = "signature", .help = "Where the detached OpenPGP signature of the checksum file is."},
                 {.name = "key",
                  .type = FieldType::path,
                  .help = "The public key that the signature must be made with, armoured."},
                 {.name = "key_fingerprint",
                  .help = "The whole OpenPGP fingerprint of the key that the signature must be made with."}},
      .one_of = {{"name"}, {"version"}},
      .help = "Command-line tools by exact version, served below /tools/."};
}

// Tools are missed by the path of a file: NAME/VERSION/FILE.
Wanted wanted(std::string_view name) {
  const auto parts = base::split(name, '/');
  if (parts.size() < 2 || parts[0].empty() || parts[1].empty()) {
    return {};
  }
  return {.request = model::Request{.section = "tools", .values = {{"name", {parts[0]}}, {"version", {parts[1]}}}}};
}

}  // namespace

const Ecosystem& descriptor() {
  static const Ecosystem ecosystem = {
      .id = "tool",
      .url_prefix = "/tools/",
      .sections = {section()},
      .make_resolver = make_resolver,
      .mount = [](http::Router& router,
                  const MirrorContext& context) { mount_plain_tree(router, context, "tool", "/tools/"); },
      .push = {},
      .client_config = client_config,
      .wanted = wanted,
      .belongs = belongs,
  };
  return ecosystem;
}

}  // namespace airlock::ecosystem::tool
