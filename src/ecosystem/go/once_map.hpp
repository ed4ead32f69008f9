// Values that are made once and used by many threads: a second one that asks waits for the first.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace airlock::ecosystem::go {

template <typename Key, typename Value>
class OnceMap {
 public:
  // What `make` throws is thrown to the one who asked; the next one tries again.
  const Value& get(const Key& key, const std::function<Value()>& make) {
    std::shared_ptr<Slot> slot;
    {
      const std::lock_guard lock(m_mutex);
      auto& place = m_slots[key];
      if (!place) {
        place = std::make_shared<Slot>();
      }
      slot = place;
    }
    const std::lock_guard lock(slot->mutex);
    if (!slot->value) {
      slot->value = std::make_unique<Value>(make());
    }
    return *slot->value;  // slots stay as long as the map
  }

 private:
  struct Slot {
    std::mutex mutex;
    std::unique_ptr<Value> value;
  };
  std::mutex m_mutex;
  std::map<Key, std::shared_ptr<Slot>> m_slots;
};

}  // namespace airlock::ecosystem::go
