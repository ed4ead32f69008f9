#include "ecosystem/npm/npm.hpp"

#include "ecosystem/npm/belonging.hpp"
#include "ecosystem/npm/client_config.hpp"
#include "ecosystem/npm/detect.hpp"
#include "ecosystem/npm/endpoints.hpp"
#include "ecosystem/npm/names.hpp"
#include "ecosystem/npm/resolver.hpp"
#include "ecosystem/npm/wanted.hpp"

namespace airlock::ecosystem::npm {

namespace {

model::SectionSchema section() {
  using model::FieldType;
  return {.key = "npm",
          .ecosystem = k_ecosystem,
          .form = model::SectionSchema::Form::mapping,
          .shorthand = "",
          .fields = {{.name = "packages",
                      .type = FieldType::text_list,
                      .help = "Packages with all that they need: NAME, NAME@RANGE, NAME@TAG, ALIAS@npm:NAME@RANGE.",
                      .unites = true,
                      .wanted = true},
                     {.name = "projects",
                      .type = FieldType::path_list,
                      .help = "Folders with a package-lock.json or npm-shrinkwrap.json, which is taken as it is, or a "
                              "package.json, which is resolved.",
                      .unites = true},
                     {.name = "include_dev",
                      .type = FieldType::flag,
                      .help = "Whether the projects' devDependencies come too, as `npm ci` installs them; true when "
                              "not given."},
                     {.name = "platforms",
                      .type = FieldType::platforms,
                      .help = "Which of the optional packages that are for one system or processor are carried."},
                     {.name = "libc",
                      .type = FieldType::text_list,
                      .help = "Of those for linux, the ones for glibc, musl or both; glibc when not given.",
                      .unites = true}},
          .one_of = {},
          .some_of = {"packages", "projects"},
          .help = "Packages of an npm registry, for npm, pnpm and yarn."};
}

}  // namespace

const Ecosystem& descriptor() {
  static const Ecosystem ecosystem = {
      .id = k_ecosystem,
      .url_prefix = "/npm/",
      .sections = {section()},
      .make_resolver = make_resolver,
      .pin_check = {},
      .detect = detect,
      .mount = mount,
      .push = {},
      .client_config = client_config,
      .wanted = wanted,
      .belongs = belongs,
  };
  return ecosystem;
}

}  // namespace airlock::ecosystem::npm
