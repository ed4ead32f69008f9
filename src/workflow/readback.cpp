#include "workflow/readback.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/parallel.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

base::Digest hash_file(const fs::path& path, Cache cache, base::ProgressTask& progress) {
  const base::Fd fd = base::open_for_reading(path);
  const std::string name = path.string();
  if (cache == Cache::read_through) {
    // Only clean pages can be dropped. What the kernel keeps all the same is as good as its own word.
    if (fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS) {
      throw base::system_error(errno, fmt::format("cannot bring {} onto the medium", name));
    }
    base::forget_cached(fd.get());
  }
  static_cast<void>(posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL));
  base::FileSource source(fd.get(), 0, base::file_size(fd.get(), name), name);
  base::Hasher hasher;
  base::FunctionSink sink([&](std::span<const std::byte> data) {
    hasher.update(data);
    progress.advance(data.size());
  });
  base::copy(source, sink);
  return hasher.finish();
}

}  // namespace

std::vector<FileDigest> hash_files(const std::vector<fs::path>& files, Cache cache, base::Reporter& reporter) {
  std::uint64_t total = 0;
  for (const fs::path& file : files) {
    total += fs::file_size(file);
  }
  const auto progress = reporter.task(cache == Cache::use ? "checksums" : "reading back", total);
  std::vector<FileDigest> digests(files.size());
  base::for_each_in_parallel(files.size(), 0, [&](std::size_t i) {
    digests[i] = {files[i], hash_file(files[i], cache, *progress)};
  });
  return digests;
}

void read_back(const std::vector<FileDigest>& written, base::Reporter& reporter) {
  std::vector<fs::path> files;
  for (const FileDigest& one : written) {
    files.push_back(one.file);
  }
  const std::vector<FileDigest> found = hash_files(files, Cache::read_through, reporter);
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (found[i].sha256 != written[i].sha256) {
      throw Error(ErrorCode::tampered,
                  fmt::format("the medium gives back other bytes than were written to {}: sha256:{} "
                              "instead of sha256:{}",
                              written[i].file.string(), found[i].sha256.hex(), written[i].sha256.hex()))
          .with_hint("the medium is bad or smaller than it says; use another one, and do not carry this one over");
    }
  }
}

}  // namespace airlock::workflow
