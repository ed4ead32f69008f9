#include "ecosystem/npm/belonging.hpp"

#include "ecosystem/npm/names.hpp"

namespace airlock::ecosystem::npm {

using model::Belonging;
using model::Kind;

Belonging belongs(const model::FileRow& row) {
  const auto package = parse_purl(row.artifact);
  if (!package || !row.path.starts_with(package->name + "/")) {
    return Belonging::no;
  }
  const auto& [name, version] = *package;
  if (row.path == notes_path(name, version) || row.path == version_path(name, version) ||
      row.path == tarball_path(name, usual_tarball_name(name, version))) {
    return Belonging::named;
  }
  // Some registries name tarballs as they like; what is another version's usual name is not such a name.
  if (const std::string folder = tarball_path(name, ""); row.path.starts_with(folder)) {
    const std::string file = row.path.substr(folder.size());
    const std::string prefix = base_name(name) + "-";
    const bool of_other_version = file.starts_with(prefix) && file.size() > prefix.size() + 4 &&
                                  is_version(file.substr(prefix.size(), file.size() - prefix.size() - 4)) &&
                                  file.find(version) == std::string::npos;
    return is_tarball_name(file) && !of_other_version ? Belonging::beside : Belonging::no;
  }
  const std::string last = row.path.substr(name.size() + 1);
  return row.kind == Kind::tag && is_tag(last) ? Belonging::beside : Belonging::no;
}

}  // namespace airlock::ecosystem::npm
