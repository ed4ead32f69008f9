#include "ecosystem/go/go.hpp"

#include "ecosystem/go/belonging.hpp"
#include "ecosystem/go/client_config.hpp"
#include "ecosystem/go/endpoints.hpp"
#include "ecosystem/go/project.hpp"
#include "ecosystem/go/resolver.hpp"
#include "ecosystem/go/wanted.hpp"
#include "ecosystem/go/zip_check.hpp"

namespace airlock::ecosystem::go {

namespace {

model::SectionSchema section() {
  using model::FieldType;
  return {.key = "go",
          .ecosystem = "go",
          .form = model::SectionSchema::Form::mapping,
          .shorthand = {},
          .fields = {{.name = "packages",
                      .type = FieldType::text_list,
                      .help = "Modules, or packages in modules, each with all that it needs: MODULE@VERSION, where the "
                              "version is v1.2.3, v1, <v2.0.0, latest, a branch or a commit.",
                      .unites = true,
                      .wanted = true},
                     {.name = "projects",
                      .type = FieldType::path_list,
                      .help = "Folders with a go.mod or go.work, or these files; what go.sum beside them lists is "
                              "brought.",
                      .unites = true},
                     {.name = "tests",
                      .type = FieldType::flag,
                      .help = "Whether `packages` bring what the tests of their dependencies need, which `go mod tidy` "
                              "reads; true unless said otherwise."}},
          .one_of = {},
          .some_of = {"packages", "projects"},
          .help = "Go modules, served below /go/."};
}

}  // namespace

const Ecosystem& descriptor() {
  static const Ecosystem ecosystem = {
      .id = "go",
      .url_prefix = "/go/",
      .sections = {section()},
      .make_resolver = make_resolver,
      .pin_check = pin_check,
      .detect = detect,
      .mount = mount,
      .push = {},
      .client_config = client_config,
      .wanted = wanted,
      .belongs = belongs,
  };
  return ecosystem;
}

}  // namespace airlock::ecosystem::go
