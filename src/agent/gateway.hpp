// The other end of a job's TUN device: everything that would leave the job comes here, is carried on when it may, and
// is otherwise refused at once and recorded.
//
// A connection that may go is sent back into the job under other addresses, to a listener that the agent holds there,
// so that the job's own kernel does TCP with it; its bytes then go through a connection that the agent opened outside.
// What a job's packets say is never sent to any network.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/job_network.hpp"
#include "agent/reach.hpp"

namespace airlock::agent {

struct Refusal {
  std::string target;      // name, or address
  std::uint16_t port = 0;  // 0: there is none
  std::string protocol;    // "tcp", "udp", "dns", "icmp", …
  std::string process;     // "curl (pid 12)"; "" where it could not be told
};

class Gateway {
 public:
  // `proc`: the job's /proc. `on_refused` is called on threads of the gateway and must not throw.
  Gateway(JobNetwork network, base::Fd proc, std::shared_ptr<Reach> reach,
          std::function<void(const Refusal&)> on_refused);
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  ~Gateway();  // ends all connections; does not wait for the host's resolver

 private:
  class Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace airlock::agent
