#include "base/interrupt.hpp"

#include <csignal>
#include <unistd.h>

#include <atomic>

#include "base/error.hpp"

namespace airlock::base {

namespace {

constexpr int k_interrupted_exit = 130;

std::atomic<bool> g_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch nothing else");

void handle_signal(int) {
  if (g_requested.exchange(true)) {
    _exit(k_interrupted_exit);
  }
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action = {};
  action.sa_handler = handle_signal;
  sigemptyset(&action.sa_mask);
  // Without SA_RESTART, so that a blocking wait returns and its caller can look at the flag.
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void request_interrupt() {
  g_requested = true;
}

void clear_interrupt() {
  g_requested = false;
}

bool interrupt_requested() {
  return g_requested.load(std::memory_order_relaxed);
}

void throw_if_interrupted() {
  if (interrupt_requested()) {
    throw Error(ErrorCode::interrupted, "interrupted");
  }
}

}  // namespace airlock::base
