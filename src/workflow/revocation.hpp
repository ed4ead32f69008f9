// What a producer revoked, or a site blocks, against the rows of a state.
#pragma once

#include <vector>

#include "bundle/head.hpp"
#include "model/item_index.hpp"
#include "store/state_db.hpp"

namespace airlock::workflow {

// The list in a head, as it stands; for heads of this home, and those that were verified.
std::vector<bundle::Revoked> revoked_in(const bundle::HeadContents& contents);

// Without what this site serves although the channel's producer revoked it.
std::vector<bundle::Revoked> without_overridden(std::vector<bundle::Revoked> list, const store::StateDb& state,
                                                const store::ChannelKey& channel);

class Revocations {
 public:
  // Throws usage for what is no item; a verified bundle has none of that.
  explicit Revocations(const std::vector<bundle::Revoked>& list);

  bool empty() const { return m_list.empty(); }
  // The first item that means this row, and its reason; nullptr: none does.
  const bundle::Revoked* find(const model::FileRow& row) const;

 private:
  std::vector<bundle::Revoked> m_list;
  model::ItemIndex m_index;
};

}  // namespace airlock::workflow
