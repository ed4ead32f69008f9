// One accepted connection as a blocking stream with deadlines: a plain socket, or TLS over it.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "base/files.hpp"
#include "http/server_tls.hpp"

namespace airlock::http {

enum class IoStatus { ok, closed, timeout };

struct IoResult {
  IoStatus status = IoStatus::ok;
  std::size_t bytes = 0;  // more than 0 when ok
};

enum class Linger { no, yes };

// Used by one thread, `interrupt` and `end_input` excepted. Two ways to wait: until a fixed point in time
// (handshake, header, idle), or as long as the peer keeps a minimum rate (bodies). Only time spent waiting
// for the peer counts, never that of a handler.
class Stream {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Stream(base::Fd socket);  // makes it non-blocking

  // False when the handshake failed or did not end in time.
  bool start_tls(const TlsContext& tls, Clock::time_point deadline);

  bool peer_closed() const;  // the peer will send nothing more, or is unreachable; reads nothing

  void wait_until(Clock::time_point deadline);
  // Gives up when less than 256 bytes a second moved over `window` of waiting.
  void wait_while_moving(std::chrono::milliseconds window);

  IoResult read_some(std::span<std::byte> buffer);
  IoStatus write(std::span<const std::byte> data);
  // Plain: both parts in one packet where they fit.
  IoStatus write(std::span<const std::byte> first, std::span<const std::byte> second);
  // From a file: sendfile, SSL_sendfile where the kernel does TLS, else read and write. `sent` counts what
  // left.
  IoStatus send_file(const base::FileSlice& slice, std::uint64_t& sent);
  // More follows at once (a body after its header): small packets are held back until then.
  IoStatus write_more(std::span<const std::byte> data);

  // Ends our side. With `Linger::yes`, for a peer that may still be sending, reads on for a moment, so that
  // it gets to see what was written last instead of a reset.
  void finish(Linger linger);

  // From another thread. `end_input`: what has arrived can still be read and answered. `interrupt`:
  // everything ends.
  void end_input();
  void interrupt();

 private:
  enum class Direction { in, out };
  bool wait(Direction direction);
  void moved(std::size_t bytes) { m_moved += bytes; }
  // After a TLS call that returned `result`: wait and try again (true), or give up with `status`.
  bool should_repeat(int result, IoStatus& status);
  IoStatus write_plain(std::span<const std::byte> data, int flags);
  IoStatus write_tls(std::span<const std::byte> data);
  IoStatus send_file_plain(const base::FileSlice& slice, std::uint64_t& sent);
  IoStatus send_file_kernel_tls(const base::FileSlice& slice, std::uint64_t& sent);
  IoStatus send_file_copied(const base::FileSlice& slice, std::uint64_t& sent);

  base::Fd m_socket;
  SslHandle m_ssl;
  bool m_kernel_tls = false;
  bool m_has_deadline = false;
  Clock::time_point m_deadline{};
  std::chrono::milliseconds m_window{};
  std::chrono::steady_clock::duration m_waited{};
  std::uint64_t m_moved = 0;
};

}  // namespace airlock::http
