#include "ecosystem/tool/belonging.hpp"

#include "model/purl.hpp"

namespace airlock::ecosystem::tool {

using model::Belonging;

Belonging belongs(const model::FileRow& row) {
  const auto purl = model::Purl::parse_if_valid(row.artifact);
  if (!purl || purl->type != "generic" || !purl->namespace_.empty() || purl->version.empty()) {
    return Belonging::no;
  }
  const std::string folder = purl->name + "/" + purl->version + "/";
  return row.path.starts_with(folder) && row.path.size() > folder.size() ? Belonging::beside : Belonging::no;
}

}  // namespace airlock::ecosystem::tool
