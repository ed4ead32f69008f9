#include "workflow/blob_check.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <mutex>
#include <numeric>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::uint64_t k_large = 16u << 20;      // bytes; from here on the order matters for the cores
constexpr std::uint64_t k_read_ahead = 4u << 20;  // bytes asked of the kernel before they are needed
constexpr std::size_t k_read = 256u << 10;        // bytes a read; stays in the second-level cache while it is hashed
constexpr unsigned k_scsi_cdrom_major = 11;       // Linux: Documentation/admin-guide/devices.txt

std::vector<std::byte>& thread_buffer() {
  thread_local std::vector<std::byte> buffer(k_read);
  return buffer;
}

void hash_extent(const bundle::BlobExtent& extent, base::Hasher& hasher, base::ProgressTask& progress) {
  auto& buffer = thread_buffer();
  const int fd = extent.fd->get();
  std::uint64_t asked = 0;
  for (std::uint64_t done = 0; done < extent.length;) {
    base::throw_if_interrupted();
    if (done >= asked && extent.length - done > k_read) {
      asked = done + k_read_ahead;
      ::posix_fadvise(fd, static_cast<off_t>(extent.offset + done), static_cast<off_t>(2 * k_read_ahead),
                      POSIX_FADV_WILLNEED);
    }
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(k_read, extent.length - done));
    const auto part = std::span(buffer).first(size);
    base::pread_exact(fd, part, extent.offset + done, extent.file);
    hasher.update(part);
    progress.advance(size);
    done += size;
  }
}

// An optical drive that several threads read at once only moves its head.
bool is_optical(const bundle::BlobLocation& location) {
  struct stat info = {};
  return !location.extents.empty() && ::fstat(location.extents.front().fd->get(), &info) == 0 &&
         major(info.st_dev) == k_scsi_cdrom_major;
}

std::vector<std::size_t> order_of_work(const std::vector<BlobToCheck>& blobs) {
  std::vector<std::size_t> order(blobs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&blobs](std::size_t a, std::size_t b) {
    const auto weight = [](std::uint64_t length) { return length >= k_large ? length : 0; };
    return weight(blobs[a].length) > weight(blobs[b].length);
  });
  return order;
}

std::optional<BlobFailure> check_one(const BlobToCheck& blob, const LocateBlob& locate, base::ProgressTask& progress) {
  BlobFailure failure{.blob = blob};
  try {
    const auto location = locate(blob);
    if (!location) {
      failure.code = ErrorCode::not_found;
      failure.message = "is not there";
      return failure;
    }
    failure.file = location->extents.empty() ? "" : location->extents.front().file;
    if (location->length != blob.length) {
      failure.message = fmt::format("is {} bytes long, {} were signed", location->length, blob.length);
      return failure;
    }
    const auto actual = hash_location(*location, progress);
    if (actual == blob.sha256) {
      return std::nullopt;
    }
    failure.message = fmt::format("has other content: it hashes to {}", actual.to_string());
    return failure;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;
    }
    failure.code = error.code();
    failure.message = fmt::format("cannot be read: {}", error.message());
    return failure;
  }
}

}  // namespace

base::Digest hash_location(const bundle::BlobLocation& location, base::ProgressTask& progress) {
  base::Hasher hasher;
  for (const auto& extent : location.extents) {
    hash_extent(extent, hasher, progress);
  }
  return hasher.finish();
}

std::vector<BlobFailure> check_blobs(const std::vector<BlobToCheck>& blobs, const LocateBlob& locate,
                                     base::ProgressTask& progress, const BlobCheckOptions& options) {
  if (blobs.empty()) {
    return {};
  }
  auto order = order_of_work(blobs);
  unsigned threads = options.threads;
  if (const auto first = locate(blobs.front()); first && is_optical(*first)) {
    threads = 1;
    std::sort(order.begin(), order.end());
  }
  std::mutex mutex;
  std::vector<std::pair<std::size_t, BlobFailure>> failures;
  base::for_each_in_parallel(order.size(), threads, [&](std::size_t i) {
    if (auto failure = check_one(blobs[order[i]], locate, progress)) {
      const std::scoped_lock lock(mutex);
      failures.emplace_back(order[i], std::move(*failure));
    }
  });
  std::sort(failures.begin(), failures.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<BlobFailure> result;
  for (auto& [index, failure] : failures) {
    result.push_back(std::move(failure));
  }
  return result;
}

}  // namespace airlock::workflow
