#include "base/interrupt.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/bytes.hpp"
#include "support/errors.hpp"

using namespace airlock::base;

namespace {

// Runs `body` in a child process and returns how that ended, as the shell would say.
template <typename Body>
int exit_of(Body&& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("a requested interrupt is thrown until it is cleared", "[base][interrupt]") {
  clear_interrupt();
  CHECK_NOTHROW(throw_if_interrupted());
  request_interrupt();
  CHECK(interrupt_requested());
  CHECK(airlock::test::code_of([] {
          throw_if_interrupted();
          return 0;
        }) == ErrorCode::interrupted);
  clear_interrupt();
  CHECK_FALSE(interrupt_requested());
  CHECK_NOTHROW(throw_if_interrupted());
}

TEST_CASE("a copy stops when an interrupt is requested", "[base][interrupt]") {
  request_interrupt();
  StringSource source("text");
  NullSink sink;
  CHECK(airlock::test::code_of([&] { return copy(source, sink); }) == ErrorCode::interrupted);
  clear_interrupt();
}

TEST_CASE("work that is given up is no signal of the user", "[base][interrupt]") {
  begin_giving_up();
  begin_giving_up();
  end_giving_up();
  CHECK(interrupt_requested());
  CHECK(airlock::test::code_of([] {
          throw_if_interrupted();
          return 0;
        }) == ErrorCode::interrupted);
  end_giving_up();
  CHECK_FALSE(interrupt_requested());
  CHECK(exit_of([&] {
          install_interrupt_handlers();
          begin_giving_up();
          raise(SIGINT);
          end_giving_up();
          _exit(interrupt_requested() ? 7 : 8);
        }) == 7);
}

TEST_CASE("the first signal asks politely and the second ends the process", "[base][interrupt]") {
  const int signal = GENERATE(SIGINT, SIGTERM);
  CHECK(exit_of([&] {
          install_interrupt_handlers();
          raise(signal);
          _exit(interrupt_requested() ? 7 : 8);
        }) == 7);
  CHECK(exit_of([&] {
          install_interrupt_handlers();
          raise(signal);
          raise(signal);
        }) == 130);
}
