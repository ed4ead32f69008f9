// Keeps a claim alive while its job runs, and hears what the control plane wants of it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "agent/control_client.hpp"
#include "agent/job.hpp"

namespace airlock::agent {

class LeaseKeeper {
 public:
  LeaseKeeper(ControlClient& control, const control::Claim& claim, StopSwitch& stop);
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;
  ~LeaseKeeper();

 private:
  void run();

  ControlClient& m_control;
  const control::Claim& m_claim;
  StopSwitch& m_stop;
  std::mutex m_mutex;
  std::condition_variable m_wake;
  bool m_over = false;
  std::thread m_thread;
};

}  // namespace airlock::agent
