// Small files are fetched while others are still looked for, so that the network has work from the first moment
// (docs/ecosystems/adding-one.md, Resolver). Their bytes wait in memory until the fetch window takes them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/digest.hpp"
#include "ecosystem/ecosystem.hpp"
#include "model/file_row.hpp"

namespace airlock::workflow {

struct PrefetchOptions {
  std::uint64_t memory = 12u << 20;  // bytes
  std::uint64_t largest = 4u << 20;  // bytes of one file
  std::size_t threads = 4;
};

class Prefetch {
 public:
  using Open = std::function<std::shared_ptr<ecosystem::Fetchable>(const model::FileRow&)>;
  // Says whether the bytes will be needed at all; called from the threads that add.
  using Wanted = std::function<bool(const model::FileRow&)>;

  Prefetch(Open open, Wanted wanted, PrefetchOptions options = {});
  ~Prefetch();  // gives up what is under way
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  // Takes a file with known digest and length, while there is room. Thread-safe.
  void add(const model::FileRow& row);
  // Nothing new is begun from here on; what is under way goes on.
  void close();
  // The blob, when it was begun: waits for it where it is still on its way, and asks `upstream` where it failed. The
  // memory is free as soon as it was read. Null when it was not begun. Thread-safe.
  std::shared_ptr<ecosystem::Fetchable> find(const base::Digest& sha256,
                                             std::function<std::shared_ptr<ecosystem::Fetchable>()> upstream);

 private:
  struct Item;
  class ItemFetchable;
  void work();
  bool is_busy();
  std::optional<std::string> wait_for(Item& item);

  const Open m_open;
  const Wanted m_wanted;
  const PrefetchOptions m_options;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::deque<std::shared_ptr<Item>> m_queue;
  std::unordered_map<base::Digest, std::shared_ptr<Item>> m_items;
  std::uint64_t m_used = 0;  // bytes promised to items
  bool m_closed = false;
  std::vector<std::jthread> m_threads;
};

}  // namespace airlock::workflow
