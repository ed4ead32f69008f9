// The catalog that follows from the active generations: in which order, under which number, and its switch.
#include <algorithm>
#include <charconv>

#include "base/error.hpp"
#include "base/text.hpp"
#include "store/denials.hpp"
#include "store/state_db_impl.hpp"

namespace airlock::store {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view k_catalog_number = "catalog-number";
constexpr std::string_view k_channel_order = "channel-order";

}  // namespace

std::uint64_t StateDb::catalog_number() const {
  const auto text = m_impl->setting(k_catalog_number);
  std::uint64_t number = 0;
  if (text) {
    std::from_chars(text->data(), text->data() + text->size(), number);
  }
  return number;
}

std::vector<std::string> StateDb::channel_order() const {
  const auto text = m_impl->setting(k_channel_order);
  return text && !text->empty() ? base::split(*text, ' ') : std::vector<std::string>();
}

void StateDb::set_channel_order(const std::vector<std::string>& channels) {
  m_impl->set_setting(k_channel_order, base::join(channels, " "));
}

std::uint64_t StateDb::next_catalog_number() {
  const std::uint64_t number = catalog_number() + 1;
  m_impl->set_setting(k_catalog_number, std::to_string(number));
  return number;
}

namespace {

// What is served, in the order in which it is added: of a mutable name the last one stays.
std::vector<Generation> generations_to_serve(const StateDb& state) {
  std::vector<Generation> generations = state.generations();  // newest first
  std::erase_if(generations, [](const Generation& generation) { return !generation.active || generation.unproven; });
  std::ranges::reverse(generations);
  const auto order = state.channel_order();
  const auto rank = [&order](const Generation& generation) {
    return std::ranges::find(order, generation.channel.channel) - order.begin();
  };
  std::ranges::stable_sort(generations, std::greater<>(), rank);
  return generations;
}

}  // namespace

std::unique_ptr<CatalogBuilder> prepare_catalog(StateDb& state, const fs::path& home) {
  // After a restored backup the files may be ahead of the state; a number is never used for two catalogs.
  const std::uint64_t in_use = current_catalog_number(home);
  std::uint64_t number = state.next_catalog_number();
  while (number <= in_use) {
    number = state.next_catalog_number();
  }
  auto builder = std::make_unique<CatalogBuilder>(home, number);
  const Denials denials(state);
  for (const Generation& generation : generations_to_serve(state)) {
    CatalogRow catalog_row;
    catalog_row.channel = generation.channel.channel;
    catalog_row.producer = generation.channel.producer;
    catalog_row.generation = generation.id;
    const auto withheld = state.withheld(generation.channel);
    state.for_each_row(generation.id, [&](const model::FileRow& row) {
      static_cast<model::FileRow&>(catalog_row) = row;
      catalog_row.reason.clear();
      // Whatever generation is served, also an old one again: what is withheld or denied is not.
      if (row.kind != model::Kind::known && row.sha256 && withheld.contains(*row.sha256)) {
        catalog_row.kind = model::Kind::withheld;
      }
      if (const auto* denial = row.kind == model::Kind::known ? nullptr : denials.find(generation.channel, row)) {
        catalog_row.kind = model::Kind::withheld;
        catalog_row.reason = denial->why;
      }
      builder->add(catalog_row);
    });
  }
  state.for_each_alias(
      [&](const base::Digest& other, const base::Digest& sha256) { builder->add_alias(other, sha256); });
  builder->prepare();
  return builder;
}

void publish_catalog(StateDb& state, const fs::path& home) {
  prepare_catalog(state, home)->publish();
}

bool catalog_is_current(const StateDb& state, const fs::path& home) {
  if (current_catalog_number(home) != state.catalog_number()) {
    return false;
  }
  try {
    Catalog::open_current(home);
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) {
      throw;
    }
    return false;  // written by an airlock before this one
  }
}

}  // namespace airlock::store
