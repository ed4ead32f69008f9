#include "ecosystem/file/local_file.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"

namespace airlock::ecosystem::file {

using base::Error;
using base::ErrorCode;

LocalContent read_content(const std::filesystem::path& path) {
  const base::Fd fd = base::open_for_reading(path);
  base::FileSource source(fd.get(), 0, base::file_size(fd.get(), path.string()), path.string());
  base::NullSink nowhere;
  base::HashingSink hashing(nowhere);
  const std::uint64_t length = base::copy(source, hashing);
  return {.length = length, .sha256 = hashing.finish()};
}

void LocalFetchable::fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) {
  const base::Fd fd = base::open_for_reading(m_path);
  const std::uint64_t size = base::file_size(fd.get(), m_path.string());
  if (m_length && *m_length != size) {
    throw Error(ErrorCode::lock,
                fmt::format("'{}' has {} bytes, and had {} when it was resolved", m_path.string(), size, *m_length))
        .with_hint("resolve the manifest again");
  }
  const std::uint64_t start = std::min(offset, size);
  base::FileSource source(fd.get(), start, std::min(length.value_or(size - start), size - start), m_path.string());
  base::copy(source, sink);
}

}  // namespace airlock::ecosystem::file
