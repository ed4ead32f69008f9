#include "ecosystem/file/belonging.hpp"

#include "model/purl.hpp"

namespace airlock::ecosystem::file {

using model::Belonging;

Belonging belongs(const model::FileRow& row) {
  const auto purl = model::Purl::parse_if_valid(row.artifact);
  if (!purl || purl->type != "generic") {
    return Belonging::no;
  }
  const std::string path = purl->namespace_.empty() ? purl->name : purl->namespace_ + "/" + purl->name;
  return row.path == path ? Belonging::named : Belonging::no;
}

}  // namespace airlock::ecosystem::file
