// How a FetchWindow takes a blob whose upstream ignores ranges.
#include "base/error.hpp"
#include "base/url.hpp"
#include "workflow/fetch_window.hpp"
#include "workflow/fetch_window_parts.hpp"

namespace airlock::workflow {

std::string FetchWindow::origin_key(const std::string& origin) {
  try {
    return base::Url::parse(origin).origin();
  } catch (const base::Error&) {
    return origin;
  }
}

// Before each transfer. False: the segment was dropped.
bool FetchWindow::begin(Segment& segment) {
  Lock lock(m_mutex);
  if (segment.dropped) {
    return false;
  }
  if (segment.carries && !segment.last) {
    segment.length = *segment.blob->wish.length - segment.offset;
    segment.last = true;
    const std::uint64_t share = std::min(*segment.length, m_options.segment);
    const std::uint64_t more = share > segment.reserved ? share - segment.reserved : 0;
    if (m_reserved + more <= m_options.memory) {
      segment.reserved += more;
      m_reserved += more;
      m_counters.peak_memory = std::max(m_counters.peak_memory, m_reserved);
    }
  }
  if (segment.carries) {
    // It could fill its share and then wait for others, with a place among the transfers of its host that they need.
    m_turn.wait(lock, [&] { return m_stop || m_segments.front().get() == &segment; });
  }
  return true;
}

// Whether this segment takes the answer that brings the whole instead of its part.
bool FetchWindow::takes_whole(Segment& segment) {
  const std::lock_guard lock(m_mutex);
  if (m_stop || segment.gathers()) {
    return true;  // all ends anyway, or there is no other transfer
  }
  if (!segment.blob->in_one) {
    carry_in_one(segment.blob);
  }
  return !segment.dropped && segment.last;
}

// The first segment that is not complete carries the rest; what comes behind it is dropped.
void FetchWindow::carry_in_one(const std::shared_ptr<Blob>& blob) {
  blob->in_one = true;
  m_without_ranges.insert(origin_key(blob->wish.origin));
  bool carried = false;
  std::erase_if(m_segments, [&](const std::shared_ptr<Segment>& each) {
    if (each->blob != blob || (!carried && each->done)) {
      return false;
    }
    if (!carried) {
      each->carries = true;
      carried = true;
      return false;
    }
    drop(*each);
    return true;
  });
  if (m_cutting == blob) {
    m_cutting.reset();
  }
  m_room.notify_all();
}

void FetchWindow::drop(Segment& segment) {
  segment.dropped = true;
  segment.dropped_running = !segment.done;
  m_dropped_running += segment.done ? 0U : 1U;
  release_pieces(segment);
  m_reserved -= segment.reserved;
  segment.reserved = 0;
  segment.held = 0;
}

void FetchWindow::release_pieces(Segment& segment) {
  for (Piece& piece : segment.pieces) {
    if (piece.chunk) {
      m_pool.give_back(std::move(piece.chunk));
    } else {
      m_spool.release(piece.extent);
    }
  }
  segment.pieces.clear();
}

// After a transfer. True where the segment was dropped while it ran: how it ended concerns nobody.
bool FetchWindow::leave_dropped(const Segment& segment) {
  const std::lock_guard lock(m_mutex);
  m_dropped_running -= segment.dropped_running ? 1U : 0U;
  return segment.dropped_running;
}

}  // namespace airlock::workflow
