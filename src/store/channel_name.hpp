// What tells two channels of one name apart, for people: their producers.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "store/state_db.hpp"

namespace airlock::store {

inline constexpr std::size_t k_producer_digits = 12;  // hex, of a producer: enough to tell it from another

inline bool shares_its_name(const ChannelKey& key, const std::vector<ChannelKey>& all) {
  return std::any_of(all.begin(), all.end(), [&key](const ChannelKey& other) {
    return other.channel == key.channel && other.producer != key.producer;
  });
}

// To stand behind the channel's name: " (producer ef6d95a4e5af)" where another producer has a channel of that name,
// else nothing. `all`: StateDb::channels().
inline std::string producer_mark(const ChannelKey& key, const std::vector<ChannelKey>& all) {
  return shares_its_name(key, all) ? " (producer " + key.producer.substr(0, k_producer_digits) + ")" : std::string();
}

}  // namespace airlock::store
