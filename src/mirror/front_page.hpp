// `/`: one page for people: what is here, and how to use it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "store/catalog.hpp"

namespace airlock::mirror {

struct ChannelSummary {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  // of all files; one that several paths have counts each time
};

struct CatalogSummary {
  std::uint64_t number = 0;
  std::map<std::string, ChannelSummary> channels;
  std::map<std::string, ChannelSummary> ecosystems;
};

// Read once for each catalog, as it goes over every row. Thread-safe.
class CatalogSummaries {
 public:
  std::shared_ptr<const CatalogSummary> of(const store::Catalog& catalog);

 private:
  std::mutex m_mutex;
  std::shared_ptr<const CatalogSummary> m_last;
};

// HTML without scripts or anything from elsewhere. `summary` is null when nothing was imported yet.
std::string front_page(const CatalogSummary* summary, std::string_view base_url);

}  // namespace airlock::mirror
