// The fetching half of a FetchWindow: what its threads do.
#include <cstring>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "http/client.hpp"
#include "workflow/fetch_window.hpp"
#include "workflow/fetch_window_parts.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds k_worker_tick{200};
// Of small segments the bookkeeping is the larger part, so their number is bounded as well.
constexpr std::size_t k_most_segments = 4096;

// Ends a transfer whose answer is not wanted.
struct GivesWay : std::exception {};

std::string hint_for(ErrorCode code) {
  switch (code) {
  case ErrorCode::not_found:
    return "it is gone upstream, or was never there; correct the manifest, or run `airlock bundle lock` again where a "
           "lock names it";
  case ErrorCode::auth:
    return "log in to that host, or name a token for it under 'upstreams', then run the same command again; what is "
           "already written is kept";
  case ErrorCode::network:
  case ErrorCode::upstream:
  case ErrorCode::truncated:
    return "run the same command again; it continues where it stopped";
  default:
    return {};
  }
}

}  // namespace

// Takes what a transfer brings, in order, into chunks of the window.
class FetchWindow::SegmentSink : public http::PartSink {
 public:
  SegmentSink(FetchWindow& window, Segment& segment) : m_window(window), m_segment(segment) {}

  void write(std::span<const std::byte> data) override {
    if (m_window.m_stop.load(std::memory_order_relaxed)) {
      throw Error(ErrorCode::interrupted, "the transfer was given up");
    }
    if (m_segment.dropped) {
      throw GivesWay();
    }
    base::throw_if_interrupted();
    if (m_segment.length && data.size() > *m_segment.length - m_received) {
      throw Error(ErrorCode::upstream,
                  "more bytes arrived than the " + std::to_string(*m_segment.length) + " expected");
    }
    if (m_segment.gathers()) {
      m_hasher.update(data);
    }
    while (!data.empty()) {
      if (!m_chunk) {
        m_chunk = m_window.m_pool.take(m_segment.length ? *m_segment.length - m_received : UINT64_MAX);
      }
      const std::span<std::byte> space = m_chunk.space();
      const std::size_t count = std::min(space.size(), data.size());
      std::memcpy(space.data(), data.data(), count);
      m_chunk.size += count;
      m_received += count;
      data = data.subspan(count);
      if (m_chunk.size == m_chunk.capacity) {
        m_window.publish(m_segment, m_chunk);
      }
    }
  }

  void on_whole() override {
    if (!m_window.takes_whole(m_segment)) {
      throw GivesWay();
    }
  }

  std::uint64_t received() const { return m_received; }  // bytes

  void finish() {
    if (m_segment.length && m_received != *m_segment.length) {
      throw Error(ErrorCode::truncated,
                  "only " + std::to_string(m_received) + " of " + std::to_string(*m_segment.length) + " bytes arrived");
    }
    if (m_chunk && m_chunk.size > 0) {
      shrink();
      m_window.publish(m_segment, m_chunk);
    }
    if (m_segment.gathers()) {
      m_segment.blob->gathered_length = m_received;
      m_segment.blob->gathered_sha256 = m_hasher.finish();
    }
  }

 private:
  // A small file of unknown length must not keep a whole block.
  void shrink() {
    if (m_chunk.size <= m_chunk.capacity / 2) {
      Chunk small = m_window.m_pool.take(m_chunk.size);
      std::memcpy(small.data.get(), m_chunk.data.get(), m_chunk.size);
      small.size = m_chunk.size;
      m_window.m_pool.give_back(std::exchange(m_chunk, std::move(small)));
    }
  }

  FetchWindow& m_window;
  Segment& m_segment;
  Chunk m_chunk;
  base::Hasher m_hasher;
  std::uint64_t m_received = 0;
};

void FetchWindow::work() {
  try {
    while (true) {
      std::shared_ptr<Segment> segment;
      {
        Lock lock(m_mutex);
        segment = take(lock);
      }
      if (!segment) {
        return;
      }
      try {
        base::with_context(
            [&] { return "fetching " + segment->blob->wish.name + " from " + segment->blob->wish.origin; },
            [&] { fetch(*segment); });
      } catch (...) {
        if (!leave_dropped(*segment)) {
          throw;
        }
        continue;
      }
      leave_dropped(*segment);
    }
  } catch (Error& error) {
    if (error.hint().empty()) {
      error.with_hint(hint_for(error.code()));
    }
    fail(std::make_exception_ptr(error));
  } catch (...) {
    fail(std::current_exception());
  }
}

void FetchWindow::fail(std::exception_ptr failure) {
  {
    const std::lock_guard lock(m_mutex);
    // What fails after the first failure, or after the end, fails because of it.
    if (!m_stop) {
      m_failure = std::move(failure);
      m_stop = true;
    }
  }
  m_room.notify_all();
  m_turn.notify_all();
  m_bytes.notify_all();
}

// The next segment in order, with its memory reserved; null when there is nothing left to do.
std::shared_ptr<FetchWindow::Segment> FetchWindow::take(Lock& lock) {
  Patience patience{Clock::now(), consumer_waited()};
  while (!m_stop) {
    if (!m_cutting && !m_fed_all) {
      feed();
    }
    if (!m_cutting) {
      return nullptr;
    }
    std::shared_ptr<Segment> segment = cut();
    m_wanted = segment->reserved;
    if (has_room()) {
      m_reserved += segment->reserved;
      m_counters.peak_memory = std::max(m_counters.peak_memory, m_reserved);
      ++m_counters.segments;
      m_segments.push_back(segment);
      m_cut_to += segment->length.value_or(0);
      if (segment->last) {
        m_cutting.reset();
      }
      m_room.notify_one();  // the next one may fit as well
      return segment;
    }
    m_room.wait_for(lock, std::min<std::chrono::milliseconds>(k_worker_tick, m_options.spill_after));
    make_room(lock, patience);
  }
  return nullptr;
}

void FetchWindow::feed() {
  if (auto wish = m_feed()) {
    m_cutting = std::make_shared<Blob>();
    m_cutting->number = m_fed++;
    m_cutting->wish = std::move(*wish);
    m_cutting->in_one = m_cutting->wish.in_one ||
                        (!m_without_ranges.empty() && m_without_ranges.contains(origin_key(m_cutting->wish.origin)));
    m_cut_to = m_cutting->wish.start;
    return;
  }
  m_fed_all = true;
  m_bytes.notify_one();
  m_room.notify_all();
}

bool FetchWindow::has_room() const {
  return m_reserved + m_wanted <= m_options.memory && m_segments.size() < k_most_segments;
}

std::shared_ptr<FetchWindow::Segment> FetchWindow::cut() const {
  const WindowBlob& wish = m_cutting->wish;
  auto segment = std::make_shared<Segment>();
  segment->blob = m_cutting;
  segment->offset = m_cut_to;
  if (!wish.length) {
    segment->reserved = m_options.segment;
    segment->last = true;
    return segment;
  }
  const std::uint64_t left = *wish.length > m_cut_to ? *wish.length - m_cut_to : 0;
  segment->reserved = std::min(left, m_options.segment);
  segment->carries = m_cutting->in_one && !m_cutting->gathers() && left > segment->reserved;
  segment->length = m_cutting->gathers() || segment->carries ? left : segment->reserved;
  segment->last = *segment->length == left;
  return segment;
}

void FetchWindow::fetch(Segment& segment) {
  SegmentSink sink(*this, segment);
  do {
    if (begin(segment) && fetch_part(segment, sink)) {
      sink.finish();
    }
  } while (!complete(segment));
}

// False where the upstream sends the whole instead, which this segment does not take.
bool FetchWindow::fetch_part(Segment& segment, SegmentSink& sink) {
  if (segment.length == 0u) {
    return true;
  }
  Blob& blob = *segment.blob;
  std::call_once(blob.opened, [&] { blob.fetchable = blob.wish.open(); });
  const std::uint64_t received = sink.received();
  try {
    // The rest of a file needs no end, and the whole of it no range.
    blob.fetchable->fetch(segment.offset + received,
                          segment.last ? std::nullopt : std::optional(*segment.length - received), sink);
  } catch (const GivesWay&) {
    return false;
  }
  return true;
}

// False where it has become a carrier, with more to fetch.
bool FetchWindow::complete(Segment& segment) {
  const std::lock_guard lock(m_mutex);
  if (segment.dropped) {
    return true;
  }
  if (segment.carries && !segment.last) {
    return false;
  }
  m_reserved = m_reserved - segment.reserved + segment.held;
  segment.reserved = segment.held;
  segment.done = true;
  if (segment.last) {
    segment.blob->wish.open = nullptr;
  }
  m_room.notify_one();
  m_bytes.notify_one();
  return true;
}

// Hands a chunk over, to memory while the segment's reservation lasts, else to the spool file; leaves `chunk` empty. A
// carrier waits for the consumer instead.
void FetchWindow::publish(Segment& segment, Chunk& chunk) {
  {
    Lock lock(m_mutex);
    const auto fits = [&] { return segment.held + chunk.capacity <= segment.reserved; };
    if (segment.carries) {
      // At the head of the line, so that nothing but the consumer is waited for. One chunk always has a place: what
      // was consumed before it became a carrier has given its share back.
      m_turn.wait(lock, [&] { return m_stop || segment.held == 0 || fits(); });
    }
    if (segment.dropped) {
      m_pool.give_back(std::exchange(chunk, {}));
      return;
    }
    if (segment.carries || fits()) {
      segment.held += chunk.capacity;
      segment.pieces.push_back({.chunk = std::exchange(chunk, {}), .extent = {}});
      if (m_segments.front().get() == &segment) {
        m_bytes.notify_one();
      }
      return;
    }
  }
  const SpoolFile::Extent extent = m_spool.append(chunk.filled());
  const std::lock_guard lock(m_mutex);
  m_pool.give_back(std::exchange(chunk, {}));
  if (segment.dropped) {
    m_spool.release(extent);
    return;
  }
  segment.pieces.push_back({.chunk = {}, .extent = extent});
}

// Frees memory through the spool where the consumer starves behind a slow transfer while the window is full.
void FetchWindow::make_room(Lock& lock, Patience& patience) {
  const auto passed = Clock::now() - patience.since;
  if (passed < m_options.spill_after || has_room()) {
    return;
  }
  const bool starving = (consumer_waited() - patience.consumer_waited) * 5 >= passed * 4;
  if (!starving || !spill_one(lock)) {
    patience = {Clock::now(), consumer_waited()};
  }
}

// Moves the finished segment that is needed last to the spool file. False when there is none.
bool FetchWindow::spill_one(Lock& lock) {
  const auto fits = [&](const std::shared_ptr<Segment>& segment) {
    return segment->done && segment->held > 0 && !segment->spilling && segment != m_chunk_owner &&
           m_spool.held() + segment->held <= m_options.spill_limit;
  };
  const auto found = std::find_if(m_segments.rbegin(), m_segments.rend(), fits);
  if (!m_may_spill || found == m_segments.rend() || *found == m_segments.front()) {
    return false;
  }
  const std::shared_ptr<Segment> segment = *found;
  std::deque<Piece> pieces = std::move(segment->pieces);
  segment->pieces.clear();
  segment->spilling = true;
  lock.unlock();
  bool written = true;
  std::uint64_t freed = 0;
  for (Piece& piece : pieces) {
    if (!piece.chunk) {
      continue;
    }
    try {
      piece.extent = m_spool.append(piece.chunk.filled());
    } catch (const Error&) {
      written = false;  // no room on that disk: then the window waits, as it would without a spool
      break;
    }
    freed += piece.chunk.capacity;
    m_pool.give_back(std::exchange(piece.chunk, {}));
  }
  lock.lock();
  m_may_spill = written;
  segment->pieces = std::move(pieces);
  segment->spilling = false;
  if (segment->dropped) {
    release_pieces(*segment);
    return true;
  }
  segment->held -= freed;
  segment->reserved -= freed;
  m_reserved -= freed;
  m_bytes.notify_one();
  return freed > 0;
}

}  // namespace airlock::workflow
