#include "workflow/wants_list.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::workflow {

WantsList list_wants(const std::vector<MissedName>& missed, WantsScope scope) {
  WantsList list;
  std::vector<model::Request> requests;
  std::string comments;
  for (const auto& want : missed) {
    const auto* ecosystem = ecosystem::find_ecosystem(want.ecosystem);
    ecosystem::Wanted wanted;
    if (ecosystem != nullptr && ecosystem->wanted && base::is_valid_utf8(want.name)) {
      wanted = ecosystem->wanted(want.name);
    }
    if (scope == WantsScope::public_only && wanted.is_private) {
      list.kept_back.push_back(want);
    } else if (wanted.request) {
      list.listed.push_back(want);
      requests.push_back(std::move(*wanted.request));
    } else {
      list.unknown.push_back(want);
      comments += fmt::format("#   {} {}\n", want.ecosystem, base::printable(want.name, 1024));
    }
  }
  list.manifest = std::string(k_wants_begin) + "; for `airlock bundle create --wants`.\n" +
                  model::manifest_text(requests, ecosystem::all_sections());
  if (!comments.empty()) {
    list.manifest += "# Missed too, but a path does not say where a file comes from:\n" + comments;
  }
  return list;
}

}  // namespace airlock::workflow
