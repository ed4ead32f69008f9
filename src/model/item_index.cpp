#include "model/item_index.hpp"

#include <array>

namespace airlock::model {

namespace {

// Every package URL that Item::matches takes for one of `artifact`: itself, without what follows '?', and without the
// version. In a canonical one neither '?' nor '@' stands for itself anywhere before.
std::array<std::string_view, 3> wider_forms(std::string_view artifact) {
  return {artifact, artifact.substr(0, artifact.find('?')), artifact.substr(0, artifact.find_first_of("@?"))};
}

}  // namespace

void ItemIndex::add(const Item& item, std::size_t number) {
  const std::size_t place = m_items.size();
  m_items.emplace_back(item, number);
  if (!item.digest() && item.artifact().empty()) {
    m_names.push_back(place);
    return;
  }
  m_by_text[item.text()].push_back(place);
  if (item.digest() && item.digest()->algorithm() == base::HashAlgorithm::sha256) {
    m_by_digest[*item.digest()].push_back(place);
  }
}

std::optional<std::size_t> ItemIndex::find(const FileRow& row, const std::function<bool(std::size_t)>& applies) const {
  std::optional<std::size_t> lowest;
  if (m_items.empty()) {
    return lowest;
  }
  const auto look = [&](const std::vector<std::size_t>& places) {
    for (const std::size_t place : places) {
      const auto& [item, number] = m_items[place];
      if ((!lowest || number < *lowest) && (!applies || applies(number)) && item.matches(row)) {
        lowest = number;
      }
    }
  };
  const auto look_up = [&](std::string_view text) {
    if (const auto found = m_by_text.find(text); found != m_by_text.end()) {
      look(found->second);
    }
  };
  if (row.sha256) {
    if (const auto found = m_by_digest.find(*row.sha256); found != m_by_digest.end()) {
      look(found->second);
    }
  }
  if (!row.pin.empty()) {
    look_up(row.pin);
  }
  if (!row.artifact.empty()) {
    for (const std::string_view form : wider_forms(row.artifact)) {
      look_up(form);
    }
  }
  look(m_names);
  return lowest;
}

}  // namespace airlock::model
