// Sections for tests of the manifest: every type of field once.
#pragma once

#include <vector>

#include "model/manifest.hpp"

namespace airlock::model {

inline std::vector<SectionSchema> test_sections() {
  return {
      {.key = "images",
       .ecosystem = "oci",
       .shorthand = "ref",
       .fields = {{.name = "ref", .help = "Reference.", .identity = true, .wanted = true},
                  {.name = "layout", .type = FieldType::path, .help = "Layout.", .identity = true},
                  {.name = "tags", .type = FieldType::text_list, .help = "Patterns.", .unites = true},
                  {.name = "newest", .type = FieldType::number, .help = "How many."},
                  {.name = "platforms", .type = FieldType::platforms, .help = "Platforms."},
                  {.name = "referrers", .type = FieldType::flag, .help = "Signatures too."}},
       .one_of = {{"ref", "layout"}},
       .help = "Images."},
      {.key = "files",
       .ecosystem = "file",
       .shorthand = {},
       .fields = {{.name = "url", .help = "Address.", .identity = true},
                  {.name = "sha256", .type = FieldType::digest, .help = "Digest."}},
       .one_of = {{"url"}},
       .help = "Files."},
      {.key = "npm",
       .ecosystem = "npm",
       .form = SectionSchema::Form::mapping,
       .shorthand = {},
       .fields =
           {{.name = "packages", .type = FieldType::text_list, .help = "Packages.", .unites = true, .wanted = true},
            {.name = "projects", .type = FieldType::path_list, .help = "Folders.", .unites = true},
            {.name = "dev", .type = FieldType::flag, .help = "Whether to."},
            {.name = "platforms", .type = FieldType::platforms, .help = "Platforms."}},
       .some_of = {"packages", "projects"},
       .help = "Packages."},
  };
}

}  // namespace airlock::model
