#include "ecosystem/pypi/belonging.hpp"

#include "ecosystem/pypi/names.hpp"
#include "ecosystem/pypi/rows.hpp"
#include "model/purl.hpp"

namespace airlock::ecosystem::pypi {

using model::Belonging;

Belonging belongs(const model::FileRow& row) {
  const auto purl = model::Purl::parse_if_valid(row.artifact);
  const auto path = parse_row_path(row.path);
  if (!purl || !path || purl->type != k_ecosystem || !purl->namespace_.empty() || purl->name != path->project) {
    return Belonging::no;
  }
  const auto file = parse_file_name(path->file, path->project);
  return file && file->version_text == purl->version ? Belonging::named : Belonging::no;
}

}  // namespace airlock::ecosystem::pypi
