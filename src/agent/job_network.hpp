// The network of one job, seen from inside: loopback, and one TUN device that is the way to everywhere.
#pragma once

#include <vector>

#include "agent/cell_spec.hpp"
#include "base/files.hpp"

namespace airlock::agent {

struct JobNetwork {
  base::Fd tun;                    // whoever holds it sees every packet that would leave
  base::Fd listener_v4;            // on k_job_v4
  base::Fd listener_v6;            // on k_job_v6; none where the kernel has no IPv6
  std::vector<base::Fd> loopback;  // one for each service, in order; IPv6 ones left out where there is none
};

// Sets up the network namespace that the calling process is in; it is expected to be new and empty but for loopback.
// Throws MissingControl.
JobNetwork make_job_network(const std::vector<LoopbackService>& loopback);

}  // namespace airlock::agent
