#include "base/inflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace airlock::base {

namespace {

Error malformed(std::string_view name, std::string_view why) {
  return Error(ErrorCode::malformed, fmt::format("the compressed content of '{}' {}", name, why));
}

std::string unpack(std::string_view compressed, Inflater::Frame frame, std::size_t limit, std::string_view name) {
  if (compressed.size() > std::numeric_limits<uInt>::max()) {
    throw Error(ErrorCode::limit, fmt::format("the compressed content of '{}' is too long", name));
  }
  Inflater inflater(frame);
  auto left = as_bytes(compressed);
  std::string text;
  std::array<char, 16 * 1024> buffer{};
  Inflater::Step step;
  while (step.state != Inflater::State::ended) {
    step = inflater.step(left, std::as_writable_bytes(std::span(buffer)));
    if (step.state == Inflater::State::stuck || step.state == Inflater::State::broken) {
      throw malformed(name, step.state == Inflater::State::stuck ? "breaks off" : "is not DEFLATE data");
    }
    left = left.subspan(step.used);
    if (step.made > limit - text.size()) {
      throw Error(ErrorCode::limit, fmt::format("'{}' is longer than {} bytes", name, limit));
    }
    text.append(buffer.data(), step.made);
  }
  if (!left.empty()) {
    throw malformed(name, "ends before its length");
  }
  return text;
}

}  // namespace

struct Inflater::Impl {
  explicit Impl(Frame frame) {
    if (inflateInit2(&stream, frame == Frame::gzip ? MAX_WBITS + 16 : -MAX_WBITS) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { inflateEnd(&stream); }

  z_stream stream{};  // zlib keeps its address
};

Inflater::Inflater(Frame frame) : m_impl(std::make_unique<Impl>(frame)) {}
Inflater::~Inflater() = default;

void Inflater::restart() {
  inflateReset(&m_impl->stream);
}

Inflater::Step Inflater::step(std::span<const std::byte> in, std::span<std::byte> out) {
  z_stream& stream = m_impl->stream;
  // zlib does not write through it; its type is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_NO_FLUSH);
  Step step;
  step.state = result == Z_OK           ? State::going
               : result == Z_STREAM_END ? State::ended
               : result == Z_BUF_ERROR  ? State::stuck
                                        : State::broken;
  step.used = in.size() - stream.avail_in;
  step.made = out.size() - stream.avail_out;
  return step;
}

std::string inflate_raw(std::string_view compressed, std::size_t limit, std::string_view name) {
  return unpack(compressed, Inflater::Frame::raw, limit, name);
}

std::string gunzip(std::string_view compressed, std::size_t limit, std::string_view name) {
  return unpack(compressed, Inflater::Frame::gzip, limit, name);
}

std::uint32_t crc32(std::string_view data, std::uint32_t before) {
  uLong sum = before;
  while (!data.empty()) {
    const std::size_t piece = std::min<std::size_t>(data.size(), std::size_t{1} << 30);
    sum = ::crc32(sum, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(piece));
    data.remove_prefix(piece);
  }
  return static_cast<std::uint32_t>(sum);
}

}  // namespace airlock::base
