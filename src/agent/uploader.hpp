// Sends what a spool holds, while the job still adds to it.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "agent/control_client.hpp"
#include "agent/spool.hpp"

namespace airlock::agent {

class Uploader {
 public:
  struct Events {
    std::function<void(const std::string& why)> disowned;        // the server wants nothing more of this attempt
    std::function<void(const std::string& error)> trouble = {};  // it will be tried again
  };
  // Both are called on the uploader's thread.
  Uploader(ControlClient& control, Spool& spool, Events events);
  Uploader(const Uploader&) = delete;
  Uploader& operator=(const Uploader&) = delete;
  ~Uploader();  // stops where it is

  // Waits until all is sent, also the completion, or the server wants none of it, or `give_up` says so.
  // True when the spool holds nothing that anyone still wants.
  bool finish(const std::function<bool()>& give_up);

 private:
  void run();
  bool send_one();  // false when there is nothing to send

  ControlClient& m_control;
  Spool& m_spool;
  Events m_events;
  std::atomic<bool> m_stop = false;
  std::atomic<bool> m_done = false;
  std::thread m_thread;
};

}  // namespace airlock::agent
