// A polite end on the first signal: long work asks, nothing is killed half way.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace airlock::base {

// SIGINT, SIGTERM set the flag; a second one ends the process at once, and those that EndsWithUs names.
void install_interrupt_handlers();
void request_interrupt();  // what the handler does; also for tests
void clear_interrupt();    // for tests
bool interrupt_requested();
void throw_if_interrupted();  // throws Error(interrupted)

// Long work gives up as if a user had asked for it, until as many ends were called as beginnings. A user's own request
// is a matter of its own: it stays afterwards, and the first signal is still the first.
void begin_giving_up();
void end_giving_up();

// A process that a second signal kills as well; one of a negative number is a whole group. It goes out of scope before
// the process is waited for, or the number could be another's. Of more than 64 at once the last are not killed.
class EndsWithUs {
 public:
  explicit EndsWithUs(pid_t process);
  EndsWithUs(const EndsWithUs&) = delete;
  EndsWithUs& operator=(const EndsWithUs&) = delete;
  ~EndsWithUs();

 private:
  std::size_t m_slot = 0;
};

}  // namespace airlock::base
