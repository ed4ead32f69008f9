// The parts of a FetchWindow that its two halves (workers, consumer) share.
#pragma once

#include <algorithm>
#include <atomic>

#include "workflow/fetch_window.hpp"

namespace airlock::workflow {

struct FetchWindow::Blob {
  std::uint64_t number = 0;
  WindowBlob wish;
  std::once_flag opened;
  std::shared_ptr<ecosystem::Fetchable> fetchable;
  bool in_one = false;  // its upstream ignores ranges; guarded by the window's mutex
  // Of a gathered blob, once it is complete.
  std::uint64_t gathered_length = 0;
  base::Digest gathered_sha256;

  bool gathers() const { return wish.arrival == Arrival::gather || !wish.length; }
};

// Bytes that wait for the consumer, in memory or in the spool file.
struct FetchWindow::Piece {
  Chunk chunk;
  SpoolFile::Extent extent;
};

// Everything but the first four members and `dropped` is guarded by the window's mutex. Of those four, `length` and
// `last` of a carrier are changed by its own worker, under the mutex.
struct FetchWindow::Segment {
  std::shared_ptr<Blob> blob;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;  // bytes
  bool last = false;                    // of its blob

  std::deque<Piece> pieces;
  std::uint64_t reserved = 0;  // bytes of the window that are this segment's
  std::uint64_t held = 0;      // bytes of `reserved` that are in pieces, or with the consumer
  bool done = false;
  bool spilling = false;
  bool carries = false;          // all that is left of a blob that comes in one transfer
  bool dropped_running = false;  // it was dropped before its transfer ended
  std::atomic<bool> dropped = false;

  bool gathers() const { return blob->gathers(); }
};

}  // namespace airlock::workflow
