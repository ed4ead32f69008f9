#include "workflow/prefetch.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "workflow/abandon.hpp"
#include "workflow/reuse.hpp"

namespace airlock::workflow {

struct Prefetch::Item {
  model::FileRow row;
  enum class State { waiting, running, done, failed } state = State::waiting;
  std::string content;
};

class Prefetch::ItemFetchable : public ecosystem::Fetchable {
 public:
  ItemFetchable(Prefetch& prefetch, std::shared_ptr<Item> item,
                std::function<std::shared_ptr<ecosystem::Fetchable>()> upstream)
      : m_prefetch(prefetch), m_item(std::move(item)), m_upstream(std::move(upstream)) {}

  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override {
    if (auto content = m_prefetch.wait_for(*m_item)) {
      TextFetchable(std::move(*content)).fetch(offset, length, sink);
    } else {
      m_upstream()->fetch(offset, length, sink);
    }
  }

 private:
  Prefetch& m_prefetch;
  std::shared_ptr<Item> m_item;
  std::function<std::shared_ptr<ecosystem::Fetchable>()> m_upstream;
};

Prefetch::Prefetch(Open open, Wanted wanted, PrefetchOptions options)
    : m_open(std::move(open)), m_wanted(std::move(wanted)), m_options(options) {
  try {
    for (std::size_t i = 0; i < m_options.threads; ++i) {
      m_threads.emplace_back([this] { work(); });
    }
  } catch (...) {
    close();  // or those that did start would be waited for without end
    throw;
  }
}

Prefetch::~Prefetch() {
  close();
  std::optional<AbandonTransfers> abandon;
  if (is_busy()) {
    abandon.emplace();
  }
  m_threads.clear();
}

bool Prefetch::is_busy() {
  const std::lock_guard lock(m_mutex);
  return std::ranges::any_of(m_items, [](const auto& item) { return item.second->state == Item::State::running; });
}

void Prefetch::close() {
  {
    const std::lock_guard lock(m_mutex);
    m_closed = true;
    for (const auto& item : m_queue) {
      item->state = Item::State::failed;  // somebody may have found it already, and waits
      m_items.erase(*item->row.sha256);
    }
    m_queue.clear();
  }
  m_changed.notify_all();
}

void Prefetch::add(const model::FileRow& row) {
  if (!row.sha256 || !row.length || *row.length > m_options.largest || !m_wanted(row)) {
    return;
  }
  {
    const std::lock_guard lock(m_mutex);
    if (m_closed || m_used + *row.length > m_options.memory || m_items.contains(*row.sha256)) {
      return;
    }
    m_used += *row.length;
    auto item = std::make_shared<Item>();
    item->row = row;
    m_items.emplace(*row.sha256, item);
    m_queue.push_back(std::move(item));
  }
  m_changed.notify_all();
}

void Prefetch::work() {
  while (true) {
    std::shared_ptr<Item> item;
    {
      std::unique_lock lock(m_mutex);
      m_changed.wait(lock, [this] { return m_closed || !m_queue.empty(); });
      if (m_queue.empty()) {
        return;
      }
      item = std::move(m_queue.front());
      m_queue.pop_front();
      item->state = Item::State::running;
    }
    auto state = Item::State::done;
    std::string content;
    try {
      base::StringSink sink(static_cast<std::size_t>(*item->row.length));
      m_open(item->row)->fetch(0, std::nullopt, sink);
      content = sink.take();
      // Another length or digest is reported where the blob is written, with all that is to be said about it.
      if (content.size() != *item->row.length) {
        state = Item::State::failed;
      }
    } catch (const std::exception&) {
      state = Item::State::failed;  // the window asks again, and tells the user if that fails too
    }
    {
      const std::lock_guard lock(m_mutex);
      item->content = state == Item::State::done ? std::move(content) : std::string();
      item->state = state;
    }
    m_changed.notify_all();
  }
}

// Takes the content out, once; nullopt when it failed, or was taken before.
std::optional<std::string> Prefetch::wait_for(Item& item) {
  std::unique_lock lock(m_mutex);
  m_changed.wait(lock, [&] { return item.state == Item::State::done || item.state == Item::State::failed; });
  if (item.state == Item::State::failed) {
    return std::nullopt;
  }
  item.state = Item::State::failed;
  return std::exchange(item.content, {});
}

std::shared_ptr<ecosystem::Fetchable> Prefetch::find(const base::Digest& sha256,
                                                     std::function<std::shared_ptr<ecosystem::Fetchable>()> upstream) {
  const std::lock_guard lock(m_mutex);
  const auto found = m_items.find(sha256);
  if (found == m_items.end()) {
    return nullptr;
  }
  return std::make_shared<ItemFetchable>(*this, found->second, std::move(upstream));
}

}  // namespace airlock::workflow
