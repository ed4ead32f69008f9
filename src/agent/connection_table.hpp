// The connections of one job that are carried on, under both of their names.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>

#include "agent/packet.hpp"
#include "base/files.hpp"

namespace airlock::agent {

// Thread-safe.
class ConnectionTable {
 public:
  using Clock = std::chrono::steady_clock;
  enum class State { connecting, open };

  // A free port of the peer for the connection `ends`, which is `connecting` from now; nullopt where all are taken, or
  // this very connection is known and still in use.
  std::optional<std::uint16_t> add(const Ends& ends);
  void set_outside(std::uint16_t port, base::Fd outside);  // it is open
  base::Fd take_outside(std::uint16_t port);               // an empty one where there is none
  void remove(std::uint16_t port);
  // Late packets of an ended connection still find it for a while.
  void set_ended(std::uint16_t port);
  // The job reset it: ended, and its outside closed, unless that was taken.
  void set_reset(std::uint16_t port);
  // Forgets what ended a while ago, and what is open and nobody took the outside of: the job gave it up half way.
  void forget_ended(Clock::time_point now = Clock::now());

  struct Found {
    std::uint16_t port = 0;
    State state = State::connecting;
  };
  std::optional<Found> find(const Ends& ends) const;
  std::optional<Ends> ends_of(std::uint16_t port) const;

 private:
  struct Connection {
    Ends ends;
    State state = State::connecting;
    base::Fd outside;
    Clock::time_point opened;
    std::optional<Clock::time_point> ended;
  };
  mutable std::mutex m_mutex;
  std::map<std::uint16_t, Connection> m_by_port;
  std::map<Ends, std::uint16_t> m_by_ends;
  std::uint16_t m_next = 1024;
};

}  // namespace airlock::agent
