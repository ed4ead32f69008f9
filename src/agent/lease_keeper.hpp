// Keeps a claim alive while its job runs, and hears what the control plane wants of it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "agent/control_client.hpp"
#include "agent/job.hpp"

namespace airlock::agent {

// A lease counts from before it was asked for: the server's own count can only have begun later.
struct HeldLease {
  std::chrono::steady_clock::time_point asked;
  std::chrono::seconds length{0};
  std::chrono::steady_clock::time_point end() const { return asked + length; }
};

// Renews, on a thread of its own; another one stops the job where the lease has run out, whatever a request that is
// under way still waits for. From then on the server may have given the stack to somebody else.
class LeaseKeeper {
 public:
  // Throws std::system_error where no thread can be had.
  LeaseKeeper(ControlClient& control, const control::Claim& claim, HeldLease taken, StopSwitch& stop);
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;
  ~LeaseKeeper();

 private:
  void run();
  void watch();
  void end();

  ControlClient& m_control;
  const control::Claim& m_claim;
  StopSwitch& m_stop;
  std::mutex m_mutex;
  std::condition_variable m_wake;
  bool m_over = false;
  HeldLease m_lease;
  std::thread m_watch;  // the members above are there before it runs
  std::thread m_thread;
};

}  // namespace airlock::agent
