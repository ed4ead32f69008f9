#include "workflow/known_item.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/catalog_text.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::string_view k_purl = "pkg:";

void require_one_of(const std::vector<std::string>& known, std::string_view word, std::string_view what) {
  if (std::ranges::find(known, word) != known.end()) {
    return;
  }
  const auto near = base::nearest(word, known);
  throw Error(ErrorCode::usage, fmt::format("there is no {} '{}', so this would stop nothing", what, word))
      .with_hint(near ? fmt::format("did you mean '{}'?", *near) : fmt::format("it is {}", base::join(known, ", ")));
}

}  // namespace

model::Item known_item(std::string_view text) {
  auto item = model::Item::parse(text);
  if (item.digest()) {
    return item;
  }
  std::vector<std::string> ids;
  std::vector<std::string> types;
  for (const auto* each : ecosystem::all_ecosystems()) {
    ids.push_back(each->id);
    types.emplace_back(bundle::purl_type(each->id));
  }
  std::ranges::sort(types);
  types.erase(std::unique(types.begin(), types.end()), types.end());
  std::string_view rest = item.text();
  if (rest.starts_with(k_purl)) {
    rest.remove_prefix(k_purl.size());
    require_one_of(types, rest.substr(0, rest.find('/')), "type of package URL");
  } else {
    require_one_of(ids, rest.substr(0, rest.find(':')), "ecosystem");
  }
  return item;
}

}  // namespace airlock::workflow
