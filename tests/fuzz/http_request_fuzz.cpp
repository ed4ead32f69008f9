// Requests as they come off a socket: head, body in either framing, and the next request behind it.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "base/files.hpp"
#include "fuzz_target.hpp"
#include "http/server_reader.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t k_most_bytes = 64 * 1024;  // fits into the socket, so that nothing waits
  constexpr std::chrono::milliseconds k_patience{1000};
  std::array<int, 2> ends{};
  if (size > k_most_bytes || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return 0;
  }
  {
    const base::Fd client(ends[0]);
    const ssize_t sent = ::send(client.get(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != static_cast<ssize_t>(size)) {
      ::close(ends[1]);
      return 0;
    }
  }
  http::Stream stream{base::Fd(ends[1])};
  http::RequestReader reader(
      stream,
      {.header = 8 * 1024, .target = 2 * 1024, .idle = k_patience, .header_time = k_patience, .stall = k_patience});
  std::uint64_t taken = 0;
  for (int requests = 0; requests < 64; ++requests) {
    http::RequestHead head;
    http::HeadVerdict verdict;
    if (reader.read_head(head, verdict) == http::RequestReader::Outcome::ended) {
      break;
    }
    if (verdict.refusal != 0) {
      fuzz::require(verdict.refusal >= 400 && verdict.refusal < 600, "a refusal has its status");
      break;
    }
    fuzz::require(head.target.size() <= 2 * 1024, "a target keeps its limit");
    std::array<std::byte, 512> buffer{};
    while (const std::size_t count = reader.read_body(buffer)) {
      taken += count;
      fuzz::require(taken <= size, "no body is longer than what was sent");
    }
    if (reader.body_error() != http::RequestReader::BodyError::none || !verdict.keep_alive) {
      break;
    }
    fuzz::require(reader.body_done(), "a body that ended is done");
  }
  return 0;
}
