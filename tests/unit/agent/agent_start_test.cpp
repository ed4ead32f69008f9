// What an agent does before it asks for work.
#include <memory>
#include <thread>

#include "agent/agent_lock.hpp"
#include "agent/executor_check.hpp"
#include "base/process.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::agent {
namespace {

TEST_CASE("an agent waits a moment for the lock of one that was killed", "[agent][start]") {
  base::TempDir folder;
  const auto directory = folder.path() / "agent";
  auto held = std::make_unique<base::FileLock>(lock_agent_directory(directory));
  std::thread ending([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    held.reset();
  });
  CHECK_NOTHROW(lock_agent_directory(directory));
  ending.join();
}

TEST_CASE("an agent is refused where another one stays", "[agent][start]") {
  base::TempDir folder;
  const auto held = lock_agent_directory(folder.path());
  const auto error = test::error_of([&] { lock_agent_directory(folder.path()); });
  CHECK(error.code() == base::ErrorCode::busy);
  CHECK(error.hint().find("--dir") != std::string::npos);
}

TEST_CASE("a trial tells a refusal from a program that did not run", "[agent][start]") {
  base::TempDir folder;
  const auto try_with = [&](const std::string& program) {
    if (!program.empty()) {
      base::write_file_atomic(folder.path() / "bash", "#!/bin/sh\n" + program + "\n", 0755);
    }
    base::ProcessOptions options;
    options.argv = {"/bin/sh", "-c", k_trial_script};
    options.environment["PATH"] = folder.path().string();
    return base::run_process(options).exit_code;
  };
  CHECK(try_with("") == k_trial_has_no_program);
  CHECK(try_with("exit 1") == 0);
  CHECK(try_with("exit 0") == k_trial_got_out);
  for (const auto* const failed : {"exit 126", "exit 127", "kill -9 $$"}) {
    CAPTURE(failed);
    const int code = try_with(failed);
    CHECK(code != 0);
    CHECK(code != k_trial_got_out);
    CHECK(code != k_trial_has_no_program);
  }
}

}  // namespace
}  // namespace airlock::agent
