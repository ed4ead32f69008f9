#include "workflow/blob_intake.hpp"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::uint64_t k_piece = 1u << 20;              // bytes of one read
constexpr std::uint64_t k_intake_read_ahead = 8u << 20;  // bytes asked of the kernel before they are needed
constexpr std::chrono::milliseconds k_intake_tick{100};  // how long to wait for room before interruption is looked at

struct Piece {
  std::unique_ptr<std::byte[]> data;
  std::size_t size = 0;  // bytes
};

// Asks the kernel for the medium ahead of the reader, each span once: a small blob lies inside what was asked for
// before it, and asking again costs several times what reading it does.
class ReadAhead {
 public:
  void reach(const std::shared_ptr<const base::Fd>& fd, std::uint64_t position) {
    if (fd != m_fd || position < m_from || position > m_to) {
      m_fd = fd;
      m_from = m_to = position;
    }
    if (m_to - position < k_intake_read_ahead) {
      const auto to = position + 2 * k_intake_read_ahead;
      ::posix_fadvise(fd->get(), static_cast<off_t>(m_to), static_cast<off_t>(to - m_to), POSIX_FADV_WILLNEED);
      m_from = position;
      m_to = to;
    }
  }

 private:
  std::shared_ptr<const base::Fd> m_fd;
  std::uint64_t m_from = 0;  // in that file, bytes; where the last request was made
  std::uint64_t m_to = 0;    // and the end of what was asked for
};

// One blob on its way. The pieces are filled by the reader and emptied by the one writer that took the job.
struct Job {
  const StateBlob* blob = nullptr;
  std::string file;  // in which it begins
  std::size_t index = 0;
  std::deque<Piece> pieces;
  bool complete = false;              // no piece follows
  std::optional<BlobFailure> failed;  // reading it failed
};

class Intake {
 public:
  Intake(const std::vector<StateBlob>& take, const LocateTaken& locate, const store::BlobStore& store,
         base::ProgressTask& progress, const IntakeOptions& options)
      : m_take(take), m_locate(locate), m_store(store), m_progress(progress), m_options(options) {}

  IntakeResult run() {
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    const auto writers =
        std::min<std::size_t>(m_options.writers != 0 ? m_options.writers : std::max(2u, cores), m_take.size());
    {
      std::vector<std::jthread> threads;
      threads.reserve(writers);
      try {
        while (threads.size() < writers) {
          threads.emplace_back([this] { write_all(); });
        }
      } catch (const std::system_error& error) {
        if (threads.empty()) {
          throw base::system_error(error.code().value(), "cannot start a thread that writes");
        }
        // One writer is enough; that there are fewer costs time only.
      } catch (...) {
        stop(std::current_exception());  // or those that did start would be waited for without end
        throw;
      }
      read_all();
    }
    if (m_stopped) {
      std::rethrow_exception(m_stopped);
    }
    std::sort(m_failures.begin(), m_failures.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [index, failure] : m_failures) {
      m_result.failures.push_back(std::move(failure));
    }
    return std::move(m_result);
  }

 private:
  using Lock = std::unique_lock<std::mutex>;

  void stop(std::exception_ptr why) {
    const Lock lock(m_mutex);
    if (!m_stopped) {
      m_stopped = std::move(why);
    }
    m_room.notify_all();
    m_work.notify_all();
  }

  // The reader's side.

  void read_all() {
    try {
      for (std::size_t i = 0; i < m_take.size(); ++i) {
        base::throw_if_interrupted();
        if (!read_blob(i)) {
          return;
        }
      }
    } catch (...) {
      stop(std::current_exception());
    }
    const Lock lock(m_mutex);
    m_all_read = true;
    m_work.notify_all();
  }

  // False: the intake was stopped.
  bool read_blob(std::size_t index) {
    const StateBlob& blob = m_take[index];
    const bundle::BlobLocation location = m_locate(blob);
    auto job = std::make_shared<Job>();
    job->blob = &blob;
    job->file = location.extents.empty() ? "" : location.extents.front().file;
    job->index = index;
    if (location.length != blob.length) {
      // Not a byte of it is read: a file without content may claim any length.
      job->failed =
          BlobFailure{.blob = {blob.sha256, blob.length},
                      .file = job->file,
                      .message = fmt::format("is {} bytes long, {} were signed", location.length, blob.length)};
      job->complete = true;
      const Lock lock(m_mutex);
      m_jobs.push_back(std::move(job));
      m_work.notify_all();
      return true;
    }
    bool queued = false;
    const auto hand_over = [&](Piece piece, bool last) {
      const Lock lock(m_mutex);
      if (piece.size > 0) {
        job->pieces.push_back(std::move(piece));
      }
      job->complete = last;
      if (!queued) {
        m_jobs.push_back(job);
        queued = true;
      }
      m_work.notify_all();
    };
    std::uint64_t left = location.length;
    try {
      for (const auto& extent : location.extents) {
        for (std::uint64_t done = 0; done < extent.length;) {
          base::throw_if_interrupted();
          const auto size = static_cast<std::size_t>(std::min(k_piece, extent.length - done));
          if (!reserve(size)) {
            return false;
          }
          Piece piece = read_reserved(extent, done, size);
          done += size;
          left -= size;
          hand_over(std::move(piece), left == 0);
        }
      }
      if (location.length == 0) {
        hand_over({}, true);
      }
    } catch (const Error& error) {
      if (error.code() == ErrorCode::interrupted) {
        throw;
      }
      job->failed = BlobFailure{.blob = {blob.sha256, blob.length},
                                .code = error.code(),
                                .file = job->file,
                                .message = fmt::format("cannot be read: {}", error.message())};
      hand_over({}, true);
    }
    return true;
  }

  // What a piece that cannot be read had reserved is given back: no writer will.
  Piece read_reserved(const bundle::BlobExtent& extent, std::uint64_t from, std::size_t size) {
    try {
      Piece piece{std::make_unique_for_overwrite<std::byte[]>(size), size};
      m_ahead.reach(extent.fd, extent.offset + from);
      base::pread_exact(extent.fd->get(), {piece.data.get(), size}, extent.offset + from, extent.file);
      return piece;
    } catch (...) {
      release(size);
      throw;
    }
  }

  bool reserve(std::uint64_t bytes) {
    Lock lock(m_mutex);
    // A piece that alone is larger than the memory must still get through.
    const auto has_room = [&] { return m_stopped || m_held == 0 || m_held + bytes <= m_options.memory; };
    while (!m_room.wait_for(lock, k_intake_tick, has_room)) {
      base::throw_if_interrupted();
    }
    if (m_stopped) {
      return false;
    }
    m_held += bytes;
    return true;
  }

  // The writers' side.

  void write_all() {
    try {
      while (const auto job = next_job()) {
        base::throw_if_interrupted();  // the reader may be done long before the writers are
        write_blob(*job);
      }
    } catch (...) {
      stop(std::current_exception());
    }
  }

  std::shared_ptr<Job> next_job() {
    Lock lock(m_mutex);
    m_work.wait(lock, [&] { return m_stopped || !m_jobs.empty() || m_all_read; });
    if (m_stopped || m_jobs.empty()) {
      return nullptr;
    }
    auto job = m_jobs.front();
    m_jobs.pop_front();
    return job;
  }

  // The next piece; one without data at the end.
  Piece next_piece(Job& job) {
    Lock lock(m_mutex);
    m_work.wait(lock, [&] { return m_stopped || !job.pieces.empty() || job.complete; });
    if (m_stopped || job.pieces.empty()) {
      return {};
    }
    auto piece = std::move(job.pieces.front());
    job.pieces.pop_front();
    return piece;
  }

  void release(std::uint64_t bytes) {
    const Lock lock(m_mutex);
    m_held -= bytes;
    m_room.notify_one();
  }

  bool stopped() {
    const Lock lock(m_mutex);
    return m_stopped != nullptr;
  }

  void write_blob(Job& job) {
    const StateBlob& blob = *job.blob;
    std::optional<BlobFailure> failure;
    std::optional<store::BlobStore::Writer> writer;
    const auto guarded = [&](const auto& step) {
      try {
        step();
      } catch (const Error& error) {
        if (error.code() != ErrorCode::tampered) {
          throw;
        }
        failure = BlobFailure{
            .blob = {blob.sha256, blob.length}, .code = error.code(), .file = job.file, .message = error.message()};
      }
    };
    writer.emplace(m_store, blob.sha256, blob.length);
    while (true) {
      const auto piece = next_piece(job);
      if (piece.size == 0) {
        break;
      }
      if (!failure) {
        guarded([&] { writer->write({piece.data.get(), piece.size}); });
      }
      release(piece.size);
      m_progress.advance(piece.size);
    }
    if (stopped()) {
      return;
    }
    if (job.failed) {
      failure = job.failed;
    }
    if (!failure) {
      guarded([&] { writer->finish(); });
    }
    if (failure) {
      const Lock lock(m_mutex);
      m_failures.emplace_back(job.index, std::move(*failure));
      return;
    }
    {
      const Lock lock(m_mutex);
      ++m_result.blobs;
      m_result.bytes += blob.length;
    }
    if (m_options.after_each) {
      m_options.after_each();
    }
  }

  const std::vector<StateBlob>& m_take;
  const LocateTaken& m_locate;
  const store::BlobStore& m_store;
  base::ProgressTask& m_progress;
  const IntakeOptions& m_options;

  ReadAhead m_ahead;  // the reader's

  std::mutex m_mutex;
  std::condition_variable m_work;  // writers wait here
  std::condition_variable m_room;  // the reader waits here for memory
  std::deque<std::shared_ptr<Job>> m_jobs;
  std::uint64_t m_held = 0;  // bytes
  bool m_all_read = false;
  std::exception_ptr m_stopped;
  std::vector<std::pair<std::size_t, BlobFailure>> m_failures;
  IntakeResult m_result;
};

}  // namespace

IntakeResult take_blobs(const std::vector<StateBlob>& take, const LocateTaken& locate, const store::BlobStore& store,
                        base::ProgressTask& progress, const IntakeOptions& options) {
  return Intake(take, locate, store, progress, options).run();
}

}  // namespace airlock::workflow
