#include "base/inflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <new>

#include <fmt/format.h>

#include "base/error.hpp"

namespace airlock::base {

namespace {

struct End {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

constexpr int k_raw = -MAX_WBITS;
constexpr int k_gzip = MAX_WBITS + 16;

Error malformed(std::string_view name, std::string_view why) {
  return Error(ErrorCode::malformed, fmt::format("the compressed content of '{}' {}", name, why));
}

std::string unpack(std::string_view compressed, int window_bits, std::size_t limit, std::string_view name) {
  if (compressed.size() > std::numeric_limits<uInt>::max()) {
    throw Error(ErrorCode::limit, fmt::format("the compressed content of '{}' is too long", name));
  }
  z_stream stream{};
  if (inflateInit2(&stream, window_bits) != Z_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<z_stream, End> guard(&stream);
  // zlib does not write through it; its type is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string text;
  std::array<char, 16 * 1024> buffer{};
  int result = Z_OK;
  while (result != Z_STREAM_END) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    result = inflate(&stream, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END) {
      throw malformed(name, result == Z_BUF_ERROR ? "breaks off" : "is not DEFLATE data");
    }
    const std::size_t made = buffer.size() - stream.avail_out;
    if (made > limit - text.size()) {
      throw Error(ErrorCode::limit, fmt::format("'{}' is longer than {} bytes", name, limit));
    }
    text.append(buffer.data(), made);
  }
  if (stream.avail_in != 0) {
    throw malformed(name, "ends before its length");
  }
  return text;
}

}  // namespace

std::string inflate_raw(std::string_view compressed, std::size_t limit, std::string_view name) {
  return unpack(compressed, k_raw, limit, name);
}

std::string gunzip(std::string_view compressed, std::size_t limit, std::string_view name) {
  return unpack(compressed, k_gzip, limit, name);
}

std::uint32_t crc32(std::string_view data) {
  uLong sum = ::crc32(0, nullptr, 0);
  while (!data.empty()) {
    const std::size_t piece = std::min<std::size_t>(data.size(), std::size_t{1} << 30);
    sum = ::crc32(sum, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(piece));
    data.remove_prefix(piece);
  }
  return static_cast<std::uint32_t>(sum);
}

}  // namespace airlock::base
