#include "base/interrupt.hpp"

#include <csignal>
#include <unistd.h>

#include <array>
#include <atomic>

#include "base/error.hpp"

namespace airlock::base {

namespace {

constexpr int k_interrupted_exit = 130;

std::atomic<bool> g_requested = false;
std::atomic<int> g_giving_up = 0;
std::array<std::atomic<pid_t>, 64> g_ending_with_us{};  // 0: free
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<pid_t>::is_always_lock_free,
              "a signal handler may touch nothing else");

void handle_signal(int) {
  if (g_requested.exchange(true)) {
    for (const auto& process : g_ending_with_us) {
      if (const pid_t number = process.load(); number != 0) {
        kill(number, SIGKILL);
      }
    }
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
  return g_requested.load(std::memory_order_relaxed) || g_giving_up.load(std::memory_order_relaxed) != 0;
}

void throw_if_interrupted() {
  if (interrupt_requested()) {
    throw Error(ErrorCode::interrupted, "interrupted");
  }
}

void begin_giving_up() {
  ++g_giving_up;
}

void end_giving_up() {
  --g_giving_up;
}

EndsWithUs::EndsWithUs(pid_t process) {
  for (; m_slot < g_ending_with_us.size(); ++m_slot) {
    pid_t free = 0;
    if (g_ending_with_us[m_slot].compare_exchange_strong(free, process)) {
      return;
    }
  }
}

EndsWithUs::~EndsWithUs() {
  if (m_slot < g_ending_with_us.size()) {
    g_ending_with_us[m_slot] = 0;
  }
}

}  // namespace airlock::base
