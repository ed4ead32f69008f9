// Many transfers, one order: worker threads fetch ahead of a single strictly sequential consumer, inside a window of
// bounded memory (docs/decisions/0006-one-ordered-window.md).
//
// The ordered bytes of all blobs are cut into segments. Workers take segments strictly in order, each as soon as its
// reservation fits the window, so the segment at the head of the line always has its memory and a thread, and the rest
// can only wait for it, never the other way round. A large blob is several segments, fetched as ranges at the same
// time.
//
// An upstream that ignores ranges would send the whole blob for each. At the first such answer the blob's first segment
// that is not complete becomes its carrier: it fetches all that is left by one transfer, once it is at the head of the
// line, and no faster than it is consumed. The other segments are dropped, their answers given up before the first
// byte. So nothing is taken twice but, once, what lies before the carrier: nothing where no range was ever heeded.
// Larger blobs of that origin are not cut at all from then on.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/digest.hpp"
#include "ecosystem/ecosystem.hpp"
#include "workflow/chunk_pool.hpp"
#include "workflow/spool_file.hpp"

namespace airlock::workflow {

// stream: handed on while it arrives. gather: handed on when it is complete, with its length and digest; what does not
// fit its share of the window waits in the spool file. A blob of unknown length is always gathered.
enum class Arrival { stream, gather };

struct WindowBlob {
  std::string name;                     // for messages: the artifact and file
  std::string origin;                   // for messages: where from, without secrets
  std::optional<std::uint64_t> length;  // bytes of the whole blob
  std::uint64_t start = 0;              // bytes at its front that are not wanted
  Arrival arrival = Arrival::stream;
  bool in_one = false;  // one transfer: no digest would tell parts of several versions apart
  // Called once, on a worker thread, before the first byte is needed.
  std::function<std::shared_ptr<ecosystem::Fetchable>()> open;
};

struct WindowOptions {
  std::uint64_t memory = 64u << 20;  // bytes that may wait or be on their way
  std::uint64_t segment = 8u << 20;  // bytes of the largest segment
  std::size_t block = 256u << 10;    // bytes that are handed over at a time
  std::size_t workers = 16;
  std::filesystem::path spool_directory;  // for what must wait and does not fit
  // When the window is full and the consumer mostly waits for this long, not 0, finished segments behind a slow one go
  // to the spool, at most `spill_limit` bytes at a time. A limit of 0: never.
  std::chrono::milliseconds spill_after{2000};
  std::uint64_t spill_limit = 1u << 30;
};

class FetchWindow {
 public:
  // Gives the next blob, in order; nullopt at the end. Called from worker threads, one call at a time, so it must be
  // quick and must not call back.
  using Feed = std::function<std::optional<WindowBlob>()>;

  FetchWindow(Feed feed, WindowOptions options);
  ~FetchWindow();  // stops what is under way and waits for it
  FetchWindow(const FetchWindow&) = delete;
  FetchWindow& operator=(const FetchWindow&) = delete;

  struct Delivery {
    std::uint64_t number = 0;            // of the blob, in the order of the feed, from 0
    std::uint64_t length = 0;            // bytes of the whole blob
    std::optional<base::Digest> sha256;  // of a gathered blob
  };
  // The consumer's side, one thread. next() goes to the next blob (what is left of the one before is dropped) and waits
  // until it can be handed on; nullopt after the last. read() gives its bytes piece by piece, each valid until the next
  // call; empty at the blob's end. Both throw what the first failed transfer threw, with the artifact and its origin as
  // context, and Error(interrupted).
  std::optional<Delivery> next();
  std::span<const std::byte> read();

  struct Counters {
    std::uint64_t peak_memory = 0;  // bytes reserved at most
    std::uint64_t segments = 0;     // fetched so far
    std::uint64_t spooled = 0;      // bytes written to the spool file
  };
  Counters counters() const;

 private:
  struct Blob;
  struct Segment;
  struct Piece;
  class SegmentSink;
  using Lock = std::unique_lock<std::mutex>;

  void work();
  std::shared_ptr<Segment> take(Lock& lock);
  std::shared_ptr<Segment> cut() const;
  void feed();
  bool has_room() const;
  struct Patience {  // since when a worker waits for memory, and how long the consumer had waited until then
    std::chrono::steady_clock::time_point since;
    std::chrono::steady_clock::duration consumer_waited;
  };
  void make_room(Lock& lock, Patience& patience);
  bool spill_one(Lock& lock);
  void fetch(Segment& segment);
  bool fetch_part(Segment& segment, SegmentSink& sink);
  bool complete(Segment& segment);
  void publish(Segment& segment, Chunk& chunk);
  bool begin(Segment& segment);
  bool takes_whole(Segment& segment);
  void carry_in_one(const std::shared_ptr<Blob>& blob);
  void drop(Segment& segment);
  void release_pieces(Segment& segment);
  bool leave_dropped(const Segment& segment);
  static std::string origin_key(const std::string& origin);
  void fail(std::exception_ptr failure);
  void wait_for_bytes(Lock& lock);
  std::optional<std::span<const std::byte>> read_piece(Lock& lock);
  void give_back();
  void throw_if_failed() const;
  std::chrono::steady_clock::duration consumer_waited() const;

  const WindowOptions m_options;
  Feed m_feed;
  ChunkPool m_pool;
  SpoolFile m_spool;

  mutable std::mutex m_mutex;
  std::condition_variable m_room;   // workers wait here for memory
  std::condition_variable m_bytes;  // the consumer waits here
  std::condition_variable m_turn;   // carriers wait here, for the head of the line and for the consumer
  std::atomic<bool> m_stop = false;
  std::exception_ptr m_failure;

  // What is being cut into segments, and what is cut but not consumed.
  std::shared_ptr<Blob> m_cutting;
  std::uint64_t m_cut_to = 0;
  std::uint64_t m_fed = 0;
  bool m_fed_all = false;
  std::deque<std::shared_ptr<Segment>> m_segments;
  std::uint64_t m_reserved = 0;
  std::uint64_t m_wanted = 0;  // what the next segment will reserve
  Counters m_counters;
  bool m_may_spill = true;
  std::set<std::string> m_without_ranges;  // origins
  std::size_t m_dropped_running = 0;       // dropped segments whose transfers have not ended yet

  // The consumer's place.
  std::shared_ptr<Segment> m_chunk_owner;
  Chunk m_chunk;
  Chunk m_scratch;
  bool m_in_blob = false;
  std::chrono::steady_clock::duration m_waited{};
  std::optional<std::chrono::steady_clock::time_point> m_waiting_since;

  std::vector<std::jthread> m_workers;
};

}  // namespace airlock::workflow
