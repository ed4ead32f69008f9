#include "ecosystem/pypi/pypi.hpp"

#include "ecosystem/pypi/belonging.hpp"
#include "ecosystem/pypi/client_config.hpp"
#include "ecosystem/pypi/detect.hpp"
#include "ecosystem/pypi/endpoints.hpp"
#include "ecosystem/pypi/resolver.hpp"

namespace airlock::ecosystem::pypi {

namespace {

model::SectionSchema section() {
  using model::FieldType;
  return {
      .key = "pypi",
      .ecosystem = "pypi",
      .form = model::SectionSchema::Form::mapping,
      .fields = {{.name = "packages",
                  .type = FieldType::text_list,
                  .help = "Requirements (PEP 508) that are installed together, such as requests[socks]>=2.31.",
                  .unites = true,
                  .wanted = true},
                 {.name = "projects",
                  .type = FieldType::path_list,
                  .help = "Requirements files, pyproject.toml files, or folders that hold some; each is resolved by "
                          "itself.",
                  .unites = true},
                 {.name = "python",
                  .type = FieldType::text_list,
                  .help = "Versions of Python to resolve for, such as 3.11; without it that of this host's python3.",
                  .unites = true},
                 {.name = "platforms",
                  .type = FieldType::platforms,
                  .help = "For which systems; else the manifest's, else linux on this host's architecture."},
                 {.name = "libc",
                  .type = FieldType::text_list,
                  .help = "glibc, musl or both, for the linux platforms; without it glibc.",
                  .unites = true},
                 {.name = "glibc", .help = "Oldest glibc that wheels must run on; without it 2.28."},
                 {.name = "sdist",
                  .type = FieldType::flag,
                  .help = "Whether source archives are taken where no wheel fits, with what building them needs."}},
      .some_of = {"packages", "projects"},
      .help = "Python packages from the index that pip uses on this host, served below /pypi/simple/."};
}

}  // namespace

const Ecosystem& descriptor() {
  static const Ecosystem ecosystem = {
      .id = "pypi",
      .url_prefix = "/pypi/",
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

}  // namespace airlock::ecosystem::pypi
