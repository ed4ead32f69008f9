#include "workflow/revocation.hpp"

namespace airlock::workflow {

std::vector<bundle::Revoked> revoked_in(const bundle::HeadContents& contents) {
  const auto list = contents.targets.find(std::string(bundle::k_revoked_target));
  return list == contents.targets.end() ? std::vector<bundle::Revoked>()
                                        : bundle::parse_revoked(list->second, bundle::k_revoked_target);
}

std::vector<bundle::Revoked> without_overridden(std::vector<bundle::Revoked> list, const store::StateDb& state,
                                                const store::ChannelKey& channel) {
  const auto overridden = state.overridden(channel);
  std::erase_if(list, [&overridden](const bundle::Revoked& revoked) { return overridden.contains(revoked.item); });
  return list;
}

Revocations::Revocations(const std::vector<bundle::Revoked>& list) : m_list(list) {
  for (std::size_t i = 0; i < m_list.size(); ++i) {
    m_index.add(model::Item::parse(m_list[i].item), i);
  }
}

const bundle::Revoked* Revocations::find(const model::FileRow& row) const {
  const auto found = m_index.find(row);
  return found ? &m_list[*found] : nullptr;
}

}  // namespace airlock::workflow
