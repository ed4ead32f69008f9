#include "workflow/blob_copy.hpp"

#include <optional>

#include <fmt/format.h>

#include "base/error.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using bundle::BlobLocation;
using bundle::WrittenBlob;
using ecosystem::Fetchable;

std::string place_of(const BlobLocation& location) {
  return location.extents.empty() ? "nowhere" : location.extents.front().file;
}

std::shared_ptr<Fetchable> from_copies(std::vector<BlobLocation> locations, std::size_t next) {
  if (next >= locations.size()) {
    throw Error(ErrorCode::io, "no copy of it on this host can be read to its end")
        .with_hint("bring a good copy of the bundle, or another one that holds it, and run the same command again");
  }
  BlobLocation first = locations[next];
  return std::make_shared<LocalFetchable>(
      std::move(first), [locations = std::move(locations), next] { return from_copies(locations, next + 1); });
}

class BlobCopier {
 public:
  BlobCopier(const std::vector<WrittenBlob>& blobs, const CopyStart& start, const LocalBlobs& local,
             bundle::BundleOutput& output, const WindowOptions& window, base::Reporter& reporter)
      : m_blobs(blobs), m_start(start), m_local(local), m_output(output), m_window(window), m_reporter(reporter) {}

  void run() {
    std::uint64_t bytes = 0;
    for (const WrittenBlob& blob : m_blobs) {
      bytes += blob.length;
    }
    m_progress = m_reporter.task("copying", bytes);
    for (std::size_t i = 0; i < m_start.complete; ++i) {
      m_progress->advance(m_blobs[i].length);
    }
    m_progress->advance(m_start.begun);
    FetchWindow window(
        [this, next = m_start.complete]() mutable -> std::optional<WindowBlob> {
          if (next == m_blobs.size()) {
            return std::nullopt;
          }
          const WrittenBlob& blob = m_blobs[next];
          return WindowBlob{
              .name = blob.sha256.to_string(),
              .origin = "this host",
              .length = blob.length,
              .start = next++ == m_start.complete ? m_start.begun : 0,
              .open = [this, &blob] { return from_copies(m_local.find_all(blob.sha256, blob.length), 0); }};
        },
        m_window);
    while (const auto delivery = window.next()) {
      const auto number = m_start.complete + static_cast<std::size_t>(delivery->number);
      copy(window, m_blobs[number], number == m_start.complete ? m_start.begun : 0);
    }
    m_progress.reset();
  }

 private:
  void copy(FetchWindow& window, const WrittenBlob& blob, std::uint64_t begun) {
    if (begun > 0) {
      m_output.continue_blob(blob.sha256, blob.length, begun);
    } else {
      m_output.begin_blob(blob.sha256, blob.length);
    }
    for (auto piece = window.read(); !piece.empty(); piece = window.read()) {
      m_output.append(piece);
      m_progress->advance(piece.size());
    }
    try {
      m_output.finish_blob();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::tampered) {
        throw;
      }
      copy_another(blob, error);
    }
  }

  // The first copy is damaged, and its bytes were taken back.
  void copy_another(const WrittenBlob& blob, const Error& damage) {
    const auto copies = m_local.find_all(blob.sha256, blob.length);
    for (std::size_t i = 1; i < copies.size(); ++i) {
      m_reporter.warning(fmt::format("{} in {} is damaged; it is taken from {}", blob.sha256.to_string(),
                                     place_of(copies[i - 1]), place_of(copies[i])));
      try {
        m_output.begin_blob(blob.sha256, blob.length);
        base::FunctionSink sink([this](std::span<const std::byte> data) { m_output.append(data); });
        from_copies({copies[i]}, 0)->fetch(0, std::nullopt, sink);
        m_output.finish_blob();
        return;
      } catch (const Error& error) {
        if (error.code() == ErrorCode::io && i + 1 == copies.size()) {
          throw;
        }
        if (error.code() != ErrorCode::tampered && error.code() != ErrorCode::io) {
          throw;
        }
      }
    }
    throw Error(ErrorCode::tampered,
                fmt::format("{} is damaged in {}: {}", blob.sha256.to_string(),
                            copies.empty() ? std::string("the source") : place_of(copies.front()), damage.message()))
        .with_hint("copy that file again from where it is good, and run the same command; what was written is kept");
  }

  const std::vector<WrittenBlob>& m_blobs;
  const CopyStart m_start;
  const LocalBlobs& m_local;
  bundle::BundleOutput& m_output;
  const WindowOptions& m_window;
  base::Reporter& m_reporter;
  std::unique_ptr<base::ProgressTask> m_progress;
};

}  // namespace

void copy_blobs(const std::vector<WrittenBlob>& blobs, const CopyStart& start, const LocalBlobs& local,
                bundle::BundleOutput& output, const WindowOptions& window, base::Reporter& reporter) {
  BlobCopier(blobs, start, local, output, window, reporter).run();
}

}  // namespace airlock::workflow
