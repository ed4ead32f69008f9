#include "base/process.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;

namespace {

ProcessResult shell(std::string script, ProcessOptions options = {}) {
  options.argv = {"sh", "-c", std::move(script)};
  return run_process(options);
}

// A process that was killed but has nobody to wait for it stays as a zombie.
bool is_alive(const fs::path& process) {
  const auto status = read_file_if_exists(process / "status", 100'000);
  return status && status->find("State:\tZ") == std::string::npos;
}

}  // namespace

TEST_CASE("a program's outputs and exit code come back", "[base][process]") {
  const ProcessResult result = shell("echo out; echo err >&2; exit 3");
  CHECK(result.output == "out\n");
  CHECK(result.errors == "err\n");
  CHECK(result.exit_code == 3);
}

TEST_CASE("arguments reach the program as they are", "[base][process]") {
  const ProcessResult result = run_process({.argv = {"printf", "%s|", "a b", "$HOME", "*", "", "'"}});
  CHECK(result.output == "a b|$HOME|*||'|");
}

TEST_CASE("input is written and then closed, whatever its size", "[base][process]") {
  const std::string input(500'000, 'x');
  CHECK(run_process({.argv = {"cat"}, .input = input}).output == input);
  CHECK(run_process({.argv = {"wc", "-c"}}).output.find('0') != std::string::npos);
}

TEST_CASE("a program that does not read its input is no failure of ours", "[base][process]") {
  const ProcessResult result = shell("exec 0<&-; sleep 0.05; echo done", {.input = std::string(1'000'000, 'x')});
  CHECK(result.output == "done\n");
  CHECK(result.exit_code == 0);
}

TEST_CASE("the environment is added to and replaced", "[base][process]") {
  const airlock::test::ScopedEnvironment a("AIRLOCK_TEST_A", "1");
  const airlock::test::ScopedEnvironment b("AIRLOCK_TEST_B", "1");
  const ProcessResult result = shell("echo $AIRLOCK_TEST_A $AIRLOCK_TEST_B $AIRLOCK_TEST_C",
                                     {.environment = {{"AIRLOCK_TEST_B", "2"}, {"AIRLOCK_TEST_C", "3"}}});
  CHECK(result.output == "1 2 3\n");
}

TEST_CASE("a program runs where it is told to", "[base][process]") {
  const TempDir dir;
  CHECK(run_process({.argv = {"pwd", "-P"}, .directory = "/"}).output == "/\n");
  CHECK(run_process({.argv = {"pwd", "-P"}}).output == fs::current_path().string() + "\n");
  CHECK_THROWS_AS(run_process({.argv = {"pwd"}, .directory = (dir.path() / "none").string()}), Error);
}

TEST_CASE("an absent program is not_found", "[base][process]") {
  CHECK(code_of([] { return run_process({.argv = {"airlock-no-such-program"}}); }) == ErrorCode::not_found);
  CHECK(code_of([] { return run_process({.argv = {"/nonexistent/program"}}); }) == ErrorCode::not_found);
  CHECK(code_of([] { return run_process({.argv = {}}); }) == ErrorCode::internal);
  const TempDir dir;
  write_file_atomic(dir.path() / "plain", "text");
  CHECK(code_of([&] { return run_process({.argv = {(dir.path() / "plain").native()}}); }) == ErrorCode::io);
}

TEST_CASE("a signal shows as 128 and its number", "[base][process]") {
  CHECK(shell("kill -TERM $$").exit_code == 128 + SIGTERM);
}

TEST_CASE("a program starts with the signals' default actions", "[base][process]") {
  struct sigaction ignore = {};
  struct sigaction before = {};
  ignore.sa_handler = SIG_IGN;
  REQUIRE(sigaction(SIGPIPE, &ignore, &before) == 0);
  CHECK(shell("kill -PIPE $$").exit_code == 128 + SIGPIPE);
  sigaction(SIGPIPE, &before, nullptr);
}

TEST_CASE("too much output is a limit", "[base][process]") {
  CHECK(shell("printf 12345", {.output_limit = 5}).output == "12345");
  CHECK(code_of([] { return shell("printf 123456", {.output_limit = 5}); }) == ErrorCode::limit);
  CHECK(code_of([] { return shell("yes >&2", {.output_limit = 1000}); }) == ErrorCode::limit);
}

TEST_CASE("output beyond the limit can be dropped and counted instead", "[base][process]") {
  const ProcessResult result = shell("head -c 3000000 /dev/zero | tr '\\000' x; yes | head -n 100000 >&2",
                                     {.output_limit = 1000, .beyond = ProcessOptions::Beyond::discards});
  CHECK(result.output == std::string(1000, 'x'));
  CHECK(result.discarded == 2'999'000);
  CHECK(result.errors.size() == 1000);
  // Without an end, it is the timeout that ends it.
  CHECK(code_of([] {
          return shell(
              "yes",
              {.timeout = std::chrono::seconds(1), .output_limit = 10, .beyond = ProcessOptions::Beyond::discards});
        }) == ErrorCode::io);
}

TEST_CASE("input can come in pieces that nobody holds together", "[base][process]") {
  const std::string piece(100'000, 'p');
  int left = 50;
  const auto more = [&]() -> std::span<const std::byte> {
    return left-- > 0 ? std::as_bytes(std::span(piece)) : std::span<const std::byte>();
  };
  CHECK(trim(run_process({.argv = {"wc", "-c"}, .input = "front", .more_input = more}).output) == "5000005");
  // Who does not want it is not given it to the end.
  left = 1'000'000;
  CHECK(run_process({.argv = {"head", "-c", "3"}, .more_input = more}).output == "ppp");
  CHECK(left > 900'000);
  CHECK(code_of([] {
          return run_process({.argv = {"cat"}, .more_input = []() -> std::span<const std::byte> {
                                throw Error(ErrorCode::truncated, "the file ends here");
                              }});
        }) == ErrorCode::truncated);
}

TEST_CASE("a file can be the input itself", "[base][process]") {
  const TempDir dir;
  write_file_atomic(dir.path() / "in", "content");
  const Fd file = open_for_reading(dir.path() / "in");
  CHECK(run_process({.argv = {"cat"}, .input_fd = file.get()}).output == "content");
}

TEST_CASE("of our environment a program may get only what it needs to run", "[base][process]") {
  const airlock::test::ScopedEnvironment secret("AIRLOCK_TEST_A", "hush");
  const ProcessResult result =
      shell("echo ${AIRLOCK_TEST_A:-unset} ${AIRLOCK_TEST_B} ${PATH:+path}",
            {.environment = {{"AIRLOCK_TEST_B", "given"}}, .inherit = ProcessOptions::Inherit::basics});
  CHECK(result.output == "unset given path\n");
}

TEST_CASE("a program that takes too long is killed with its group", "[base][process]") {
  const TempDir dir;
  const fs::path note = dir.path() / "pid";
  CHECK(code_of([&] {
          return shell("sleep 600 & echo $! >'" + note.native() + "'; wait", {.timeout = std::chrono::seconds(1)});
        }) == ErrorCode::io);
  const fs::path grandchild = fs::path("/proc") / std::string(trim(read_file(note, 100)));
  for (int i = 0; i < 6000 && is_alive(grandchild); ++i) {  // a minute, if it must be
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK_FALSE(is_alive(grandchild));
}

TEST_CASE("a daemon that is left behind does not keep us waiting", "[base][process]") {
  const ProcessResult result = shell("sleep 600 & echo $!");
  const std::string left_behind(trim(result.output));
  REQUIRE_FALSE(left_behind.empty());
  CHECK(is_alive(fs::path("/proc") / left_behind));  // so nobody waited for its end
  kill(std::stoi(left_behind), SIGKILL);
}

TEST_CASE("an interrupt ends the wait and the program", "[base][process]") {
  request_interrupt();
  CHECK(code_of([] { return shell("sleep 600"); }) == ErrorCode::interrupted);
  clear_interrupt();
}

TEST_CASE("a program inherits no descriptor but the standard three", "[base][process]") {
  const int leaky = open("/dev/null", O_RDONLY);  // without O_CLOEXEC on purpose
  REQUIRE(leaky > 2);
  const ProcessResult result = shell("ls /proc/self/fd | tr '\\n' ' '");
  close(leaky);
  CHECK(result.output.starts_with("0 1 2 "));
  CHECK(result.output.find(" " + std::to_string(leaky + 50) + " ") == std::string::npos);
  CHECK(run_process({.argv = {"sh", "-c", "test -e /proc/self/fd/" + std::to_string(leaky) + " && echo there"}})
            .output.empty());
}

TEST_CASE("it is known whether a program exists", "[base][process]") {
  CHECK(program_exists("sh"));
  CHECK(program_exists("/bin/sh"));
  CHECK_FALSE(program_exists("airlock-no-such-program"));
  CHECK_FALSE(program_exists(""));
  CHECK_FALSE(program_exists("/bin"));
  CHECK_FALSE(program_exists("/etc/passwd"));
}

TEST_CASE("what a program says is told while it runs", "[base][process]") {
  std::string told;
  ProcessOptions options;
  options.on_errors = [&](std::string_view text) { told += text; };
  // It waits for its input, which comes only after what it said was written.
  options.input = "go\n";
  const ProcessResult result = shell("echo touch the token >&2; read line; echo $line; echo thanks >&2", options);
  CHECK(result.output == "go\n");
  CHECK(told == "touch the token\nthanks\n");
  CHECK(result.errors == told);
}

TEST_CASE("a second signal ends what runs beside us, and what that has started", "[base][process]") {
  const TempDir dir;
  const auto told = dir.path() / "process";
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    install_interrupt_handlers();
    ProcessOptions options;
    options.on_errors = [&](std::string_view number) {
      write_file_atomic(told, trim(number));
      raise(SIGINT);
      raise(SIGINT);
    };
    try {
      shell("sleep 1000 & echo $! >&2; wait", options);
    } catch (...) {
      _exit(2);
    }
    _exit(1);
  }
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
  const fs::path process = fs::path("/proc") / read_file(told, 100);
  for (int i = 0; i < 500 && is_alive(process); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK_FALSE(is_alive(process));
}

TEST_CASE("a program may stay in our process group", "[base][process]") {
  ProcessOptions options;
  const std::string apart = shell("ps -o pgid= -p $$", options).output;
  CHECK(trim(apart) != std::to_string(getpgrp()));
  options.group = ProcessGroup::ours;
  const std::string said = shell("ps -o pgid= -p $$", options).output;
  CHECK(trim(said) == std::to_string(getpgrp()));
  options.timeout = std::chrono::seconds(1);
  CHECK(code_of([&] { shell("exec sleep 1000", options); }) == ErrorCode::io);  // and we live on
}
