#include "workflow/upstreams.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"

namespace airlock::workflow {

namespace {
using base::Error;
using base::ErrorCode;
}  // namespace

Upstreams::Upstreams(ecosystem::ResolveContext context) : m_context(std::move(context)) {
  m_context.demand = [this](const model::Request& request, std::string_view because) {
    const std::lock_guard lock(m_demand_mutex);
    if (m_taken.insert(request).second) {
      m_demands.emplace(request, because);
    }
  };
}

std::map<model::Request, std::string> Upstreams::take_demands() {
  const std::lock_guard lock(m_demand_mutex);
  return std::exchange(m_demands, {});
}

ecosystem::Resolver& Upstreams::for_section(std::string_view section) {
  for (const ecosystem::Ecosystem* one : ecosystem::all_ecosystems()) {
    if (std::ranges::find(one->sections, section, &model::SectionSchema::key) != one->sections.end()) {
      return for_ecosystem(one->id);
    }
  }
  throw Error(ErrorCode::unsupported, fmt::format("this airlock knows no section '{}'", section));
}

ecosystem::Resolver& Upstreams::for_ecosystem(std::string_view id) {
  const std::lock_guard lock(m_mutex);
  if (const auto found = m_resolvers.find(id); found != m_resolvers.end()) {
    return *found->second;
  }
  const ecosystem::Ecosystem* one = ecosystem::find_ecosystem(id);
  if (one == nullptr || !one->make_resolver) {
    throw Error(ErrorCode::unsupported, fmt::format("this airlock cannot fetch for the ecosystem '{}'", id))
        .with_hint("a newer airlock may; `airlock ecosystem list` shows what this one can do");
  }
  return *m_resolvers.emplace(std::string(id), one->make_resolver(m_context)).first->second;
}

std::vector<model::Waiver> Upstreams::waivers() const {
  const std::lock_guard lock(m_mutex);
  std::vector<model::Waiver> all;
  for (const auto& [id, resolver] : m_resolvers) {
    const auto some = resolver->waivers();
    all.insert(all.end(), some.begin(), some.end());
  }
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace airlock::workflow
