#include "ecosystem/go/belonging.hpp"

#include "ecosystem/go/module_path.hpp"

namespace airlock::ecosystem::go {

using model::Belonging;

Belonging belongs(const model::FileRow& row) {
  const auto path = parse_file_path(row.path);
  return path && purl_of(path->module) == row.artifact ? Belonging::named : Belonging::no;
}

}  // namespace airlock::ecosystem::go
