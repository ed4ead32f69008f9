// Many items, asked row by row: the cost of a question does not grow with their number.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "model/file_row.hpp"
#include "model/item.hpp"

namespace airlock::model {

class ItemIndex {
 public:
  // `number` is the caller's, and several items may have one.
  void add(const Item& item, std::size_t number);

  bool empty() const { return m_items.empty(); }
  // The lowest number of the items that mean this row (Item::matches) and that `applies` takes; nullopt: none does.
  std::optional<std::size_t> find(const FileRow& row, const std::function<bool(std::size_t)>& applies = {}) const;

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::vector<std::pair<Item, std::size_t>> m_items;
  // Places in m_items. By text: digests, which may be a row's pin, and package URLs.
  std::unordered_map<base::Digest, std::vector<std::size_t>> m_by_digest;
  std::unordered_map<std::string, std::vector<std::size_t>, TextHash, std::equal_to<>> m_by_text;
  std::vector<std::size_t> m_names;  // ECOSYSTEM:NAME, which only people of a site write: few
};

}  // namespace airlock::model
