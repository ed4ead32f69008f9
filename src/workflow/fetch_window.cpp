#include "workflow/fetch_window.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "workflow/abandon.hpp"
#include "workflow/fetch_window_parts.hpp"

namespace airlock::workflow {

namespace {

using Clock = std::chrono::steady_clock;
// How long an interruption may go unnoticed.
constexpr std::chrono::milliseconds k_tick{100};

}  // namespace

FetchWindow::FetchWindow(Feed feed, WindowOptions options)
    : m_options(std::move(options)), m_feed(std::move(feed)), m_pool(m_options.block),
      m_spool(m_options.spool_directory) {
  if (m_options.workers == 0 || m_options.segment == 0 || m_options.block == 0 ||
      m_options.segment > m_options.memory) {
    throw base::Error(base::ErrorCode::internal, "a fetch window without room for one segment");
  }
  m_workers.reserve(m_options.workers);
  try {
    for (std::size_t i = 0; i < m_options.workers; ++i) {
      m_workers.emplace_back([this] { work(); });
    }
  } catch (...) {
    {
      const std::lock_guard lock(m_mutex);
      m_stop = true;  // the threads that did start are joined by their own destructor
    }
    m_room.notify_all();
    m_turn.notify_all();
    throw;
  }
}

FetchWindow::~FetchWindow() {
  bool complete = false;
  {
    const std::lock_guard lock(m_mutex);
    m_stop = true;
    complete = m_fed_all && m_segments.empty() && m_dropped_running == 0;
  }
  m_room.notify_all();
  m_turn.notify_all();
  std::optional<AbandonTransfers> abandon;
  if (!complete) {
    abandon.emplace();
  }
  m_workers.clear();
}

std::optional<FetchWindow::Delivery> FetchWindow::next() {
  while (m_in_blob) {
    read();
  }
  Lock lock(m_mutex);
  while (true) {
    throw_if_failed();
    if (!m_segments.empty()) {
      const Segment& head = *m_segments.front();
      const Blob& blob = *head.blob;
      if (!head.gathers()) {
        m_in_blob = true;
        return Delivery{.number = blob.number, .length = *blob.wish.length, .sha256 = std::nullopt};
      }
      if (head.done) {
        m_in_blob = true;
        return Delivery{.number = blob.number, .length = blob.gathered_length, .sha256 = blob.gathered_sha256};
      }
    } else if (m_fed_all) {
      return std::nullopt;
    }
    wait_for_bytes(lock);
  }
}

std::span<const std::byte> FetchWindow::read() {
  Lock lock(m_mutex);
  give_back();
  while (m_in_blob) {
    throw_if_failed();
    if (!m_segments.empty()) {
      if (const auto piece = read_piece(lock)) {
        return *piece;
      }
      const Segment& head = *m_segments.front();
      if (head.done && !head.spilling && head.pieces.empty()) {
        m_in_blob = !head.last;
        m_segments.pop_front();
        m_room.notify_one();
        m_turn.notify_all();
        continue;
      }
    }
    wait_for_bytes(lock);
  }
  return {};
}

// The next bytes of the head segment, where there are some.
std::optional<std::span<const std::byte>> FetchWindow::read_piece(Lock& lock) {
  const std::shared_ptr<Segment> head = m_segments.front();
  if (head->spilling || head->pieces.empty()) {
    return std::nullopt;
  }
  Piece piece = std::move(head->pieces.front());
  head->pieces.pop_front();
  if (piece.chunk) {
    m_chunk = std::move(piece.chunk);
    m_chunk_owner = head;
    return m_chunk.filled();
  }
  lock.unlock();
  if (!m_scratch) {
    m_scratch = m_pool.take(m_options.block);
  }
  m_scratch.size = piece.extent.length;
  m_spool.read(piece.extent, {m_scratch.data.get(), m_scratch.size});
  m_spool.release(piece.extent);
  lock.lock();
  return m_scratch.filled();
}

// Frees what the consumer had last.
void FetchWindow::give_back() {
  if (!m_chunk_owner) {
    return;
  }
  const std::uint64_t size = m_chunk.capacity;
  m_chunk_owner->held -= size;
  if (m_chunk_owner->carries && !m_chunk_owner->done) {
    m_turn.notify_all();  // its share is for what comes next
  } else {
    m_chunk_owner->reserved -= size;
    m_reserved -= size;
  }
  m_chunk_owner.reset();
  m_pool.give_back(std::exchange(m_chunk, {}));
  if (has_room()) {
    m_room.notify_one();
  }
}

void FetchWindow::wait_for_bytes(Lock& lock) {
  const auto begun = Clock::now();
  m_waiting_since = begun;
  m_bytes.wait_for(lock, k_tick);
  m_waiting_since.reset();
  m_waited += Clock::now() - begun;
}

Clock::duration FetchWindow::consumer_waited() const {
  return m_waited + (m_waiting_since ? Clock::now() - *m_waiting_since : Clock::duration{});
}

void FetchWindow::throw_if_failed() const {
  base::throw_if_interrupted();
  if (m_failure) {
    std::rethrow_exception(m_failure);
  }
}

FetchWindow::Counters FetchWindow::counters() const {
  const std::lock_guard lock(m_mutex);
  Counters counters = m_counters;
  counters.spooled = m_spool.written();
  return counters;
}

}  // namespace airlock::workflow
