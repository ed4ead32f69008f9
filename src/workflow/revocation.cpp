#include "workflow/revocation.hpp"

#include <algorithm>

namespace airlock::workflow {

std::vector<bundle::Revoked> revoked_in(const bundle::HeadContents& contents) {
  const auto list = contents.targets.find(std::string(bundle::k_revoked_target));
  return list == contents.targets.end() ? std::vector<bundle::Revoked>()
                                        : bundle::parse_revoked(list->second, bundle::k_revoked_target);
}

Revocations::Revocations(const std::vector<bundle::Revoked>& list) {
  for (const bundle::Revoked& revoked : list) {
    m_items.emplace_back(model::Item::parse(revoked.item), revoked);
  }
}

const bundle::Revoked* Revocations::find(const model::FileRow& row) const {
  const auto found =
      std::find_if(m_items.begin(), m_items.end(), [&row](const auto& entry) { return entry.first.matches(row); });
  return found == m_items.end() ? nullptr : &found->second;
}

}  // namespace airlock::workflow
