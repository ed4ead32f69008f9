#include "ecosystem/pulumi/belonging.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/pulumi/plugin.hpp"
#include "ecosystem/pulumi/sources.hpp"
#include "model/purl.hpp"

namespace airlock::ecosystem::pulumi {

using model::Belonging;

Belonging belongs(const model::FileRow& row) {
  constexpr std::string_view folder = "plugins/";
  constexpr std::string_view of_plugins = "pulumi/";
  constexpr std::string_view ending = ".tar.gz";
  const auto purl = model::Purl::parse_if_valid(row.artifact);
  if (!purl || purl->type != "generic" || !purl->namespace_.starts_with(of_plugins) || !row.path.starts_with(folder)) {
    return Belonging::no;
  }
  const Plugin plugin{
      .kind = purl->namespace_.substr(of_plugins.size()), .name = purl->name, .version = purl->version, .server = {}};
  std::string_view name = std::string_view(row.path).substr(folder.size());
  if (name == checksums_name(plugin)) {
    return Belonging::named;
  }
  const std::string prefix = fmt::format("pulumi-{}-{}-v{}-", plugin.kind, plugin.name, plugin.version);
  if (!parse_file_name(name) || !name.starts_with(prefix) || name.size() < prefix.size() + ending.size()) {
    return Belonging::no;
  }
  // What is left is the platform, and no further part of a longer version.
  name = name.substr(prefix.size(), name.size() - prefix.size() - ending.size());
  return base::split(name, '-').size() == 2 ? Belonging::named : Belonging::no;
}

}  // namespace airlock::ecosystem::pulumi
