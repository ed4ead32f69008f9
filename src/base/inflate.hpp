// DEFLATE (RFC 1951): raw, as members of zip archives carry it, and in gzip's frame (RFC 1952).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace airlock::base {

// A stream, piece by piece.
class Inflater {
 public:
  enum class Frame { raw, gzip };
  enum class State {
    going,   // more may come
    ended,   // the stream is whole; bytes behind it are not used
    stuck,   // nothing was used or made: it wants more of both or either
    broken,  // this is no DEFLATE stream
  };
  struct Step {
    State state = State::going;
    std::size_t used = 0, made = 0;  // bytes of `in` and of `out`
  };

  explicit Inflater(Frame frame);
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater();

  // Until `in` is used up, `out` is full, or the stream ends. Neither has 4 GiB.
  Step step(std::span<const std::byte> in, std::span<std::byte> out);
  void restart();  // for another stream

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

// The whole content of `compressed`. Throws limit when it would be longer than `limit` bytes, malformed when it is no
// DEFLATE stream, breaks off, or has bytes behind it. `name` stands in the message.
std::string inflate_raw(std::string_view compressed, std::size_t limit, std::string_view name);

// The same for one gzip member, its checksum proven.
std::string gunzip(std::string_view compressed, std::size_t limit, std::string_view name);

// Of zip and gzip (ISO-HDLC). `before`: that of what stands before `data`.
std::uint32_t crc32(std::string_view data, std::uint32_t before = 0);

}  // namespace airlock::base
