// What must not be served, asked row by row: the site's blocks, and what each channel's producer revoked, unless the
// site serves it all the same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/item_index.hpp"
#include "store/state_db.hpp"

namespace airlock::store {

class Denials {
 public:
  struct Denial {
    std::optional<ChannelKey> channel;  // of a revocation; a block holds for all
    std::string why;                    // "blocked on this side: REASON"
  };

  explicit Denials(const StateDb& state);

  bool empty() const { return m_denials.empty(); }
  // The denial that keeps this row of `channel` from being served; nullptr: none does. A block comes before a
  // revocation.
  const Denial* find(const ChannelKey& channel, const model::FileRow& row) const;

 private:
  std::vector<Denial> m_denials;
  model::ItemIndex m_index;
};

}  // namespace airlock::store
