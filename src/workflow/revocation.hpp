// What a producer revoked, or a site blocks, against the rows of a state.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "bundle/head.hpp"
#include "model/item.hpp"

namespace airlock::workflow {

// The list in a head, as it stands; for heads of this home, and those that were verified.
std::vector<bundle::Revoked> revoked_in(const bundle::HeadContents& contents);

class Revocations {
 public:
  // Throws usage for what is no item; a verified bundle has none of that.
  explicit Revocations(const std::vector<bundle::Revoked>& list);

  bool empty() const { return m_items.empty(); }
  // The first item that means this row, and its reason; nullptr: none does.
  const bundle::Revoked* find(const model::FileRow& row) const;

 private:
  std::vector<std::pair<model::Item, bundle::Revoked>> m_items;
};

}  // namespace airlock::workflow
