// Requests off a stream: Beast reads HTTP/1.1's syntax, check_head does the rest, the body comes in pieces.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

#include "http/server_check.hpp"
#include "http/server_stream.hpp"

namespace airlock::http {

struct ReaderLimits {
  std::size_t header = 0;  // bytes
  std::size_t target = 0;  // bytes
  std::chrono::milliseconds idle{};
  std::chrono::milliseconds header_time{};
  std::chrono::milliseconds stall{};
};

class RequestReader {
 public:
  RequestReader(Stream& stream, ReaderLimits limits);
  ~RequestReader();

  enum class Outcome {
    request,  // `head` and `verdict` are filled in; the verdict may be a refusal
    ended,    // the peer closed, or was silent for too long: nothing to say
  };
  // Waits for the next request. Called when the body of the one before is read or drained.
  Outcome read_head(RequestHead& head, HeadVerdict& verdict);

  enum class BodyError { none, closed, timeout, malformed };
  // Fills the front of `buffer`; 0 at the end of the body, and on an error, which `body_error` then names.
  std::size_t read_body(std::span<std::byte> buffer);
  BodyError body_error() const;
  bool body_done() const;
  // Reads and drops at most `limit` bytes of what is left; false when more was there.
  bool drain(std::uint64_t limit);

 private:
  struct Impl;  // holds Beast's types
  std::unique_ptr<Impl> m_impl;
};

}  // namespace airlock::http
