// A create that ends in the middle, by a failure, a signal or kill -9, and the same command again.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.hpp"
#include "support/catch.hpp"
#include "unit/workflow/near_host.hpp"
#include "workflow/create.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;

using base::ErrorCode;
using test::content_for;
using test::FaultAnswer;
using test::FaultRequest;
using test::FaultServer;
using test::NearHost;
using test::url_entry;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool k_may_fork = false;  // sanitizers keep threads of their own, which a fork loses
#else
constexpr bool k_may_fork = true;
#endif

constexpr unsigned k_files = 12;
constexpr std::size_t k_file_size = 40'000;

class InterruptibleRun {
 public:
  InterruptibleRun() {
    m_text = "name: site-a\nfiles:\n";
    for (unsigned i = 0; i < k_files; ++i) {
      const std::string path = "/f" + std::to_string(10 + i);
      m_contents.push_back(content_for(i, k_file_size));
      m_server.script(path, [this, i](const FaultRequest& request, std::size_t) {
        if (request.method == "GET" && (++m_gets == m_stop_at || i + 1 == m_refused)) {
          return m_answer;
        }
        return FaultAnswer{.body = m_contents[i]};
      });
      // Every third has no digest that is known before.
      m_text += url_entry(m_server, path, i % 3 == 0 ? "" : m_contents.back());
    }
  }

  CreateOptions options() {
    CreateOptions result = host.options(host.manifest(m_text));
    result.window.memory = 128 * 1024;
    result.window.workers = 2;
    return result;
  }

  // The GET of that number, counted from 1, has another answer.
  void stop_at(int number, FaultAnswer answer) {
    m_gets = 0;
    m_answer = std::move(answer);
    m_stop_at = number;
  }

  // The file of that number, counted from 1 in the order of the bundle, is not given to anybody. One refused GET is not
  // enough: what is asked for ahead of the window is asked for again by it.
  void refuse(unsigned number) {
    m_answer = {.status = 403};
    m_refused = number;
  }

  // From here on every answer is the right one; GETs are counted anew.
  void mend() {
    m_stop_at = 0;
    m_refused = 0;
    m_gets = 0;
  }

  int gets() const { return m_gets; }

  void check(const CreateReport& report) {
    const auto held = host.open(report.bundle);
    CHECK(held.present.size() == k_files);
    for (const auto& name : host.names_in(host.out())) {
      CHECK(name.find(".partial") == std::string::npos);
    }
    CHECK_FALSE(fs::exists(host.home().channel("site-a") / "run"));
  }

  NearHost host;

 private:
  FaultServer m_server;
  std::vector<std::string> m_contents;
  std::string m_text;
  std::atomic<int> m_gets = 0;
  std::atomic<int> m_stop_at = 0;
  std::atomic<unsigned> m_refused = 0;
  FaultAnswer m_answer;
};

TEST_CASE("goes on where a failure stopped it", "[workflow][create][resume]") {
  InterruptibleRun run;
  auto options = run.options();
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(150'000));
  options.volume_size = volume_size;
  const unsigned refused = GENERATE(1U, 2U, 6U, 11U, 12U);
  run.refuse(refused);
  CHECK(test::code_of([&] { return run.host.create(options); }) == ErrorCode::auth);
  run.mend();
  const CreateReport report = run.host.create(options);
  CHECK(report.continued);
  CHECK(report.serial == 1);
  run.check(report);
  // What the window held when it stopped is fetched again, and nothing else.
  CHECK(run.gets() <= static_cast<int>(k_files - refused) + 1 + 5);
}

TEST_CASE("an interruption is honoured, and the same command goes on", "[workflow][create][resume]") {
  InterruptibleRun run;
  const auto options = run.options();
  run.stop_at(5, {.silent = true});
  // Files are asked for before it is known what is to be written; a run that can be continued has its journal.
  const fs::path journal = run.host.home().channel("site-a") / "run" / "run.json";
  std::jthread user([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && (run.gets() < 5 || !fs::exists(journal))) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    base::request_interrupt();
  });
  CHECK(test::code_of([&] { return run.host.create(options); }) == ErrorCode::interrupted);
  user.request_stop();
  user.join();
  base::clear_interrupt();
  run.mend();
  const CreateReport report = run.host.create(options);
  CHECK(report.continued);
  run.check(report);
}

TEST_CASE("another wish, or --restart, begins anew and leaves nothing of the old run", "[workflow][create][resume]") {
  InterruptibleRun run;
  auto options = run.options();
  run.refuse(6);
  CHECK(test::code_of([&] { return run.host.create(options); }) == ErrorCode::auth);
  run.mend();
  SECTION("restart") {
    options.restart = true;
  }
  SECTION("another cut") {
    options.volume_size = 150'000;
  }
  SECTION("another place, which has to be meant") {
    const fs::path partial = run.host.out() / "site-a-1.airlock.partial";
    REQUIRE(fs::exists(partial));
    options.output = (run.host.root() / "elsewhere").string() + "/";
    const auto error = test::error_of([&] { return run.host.create(options); });
    CHECK(error.code() == ErrorCode::conflict);
    CHECK_THAT(error.message(), Catch::Contains(run.host.out().string()));
    CHECK(fs::exists(partial));
    options.restart = true;
  }
  const CreateReport report = run.host.create(options);
  CHECK_FALSE(report.continued);
  CHECK(report.serial == 1);
  run.check(report);
}

TEST_CASE("partial files that were changed meanwhile are not believed", "[workflow][create][resume]") {
  InterruptibleRun run;
  const auto options = run.options();
  run.refuse(9);
  CHECK(test::code_of([&] { return run.host.create(options); }) == ErrorCode::auth);
  run.mend();
  const fs::path partial = run.host.out() / "site-a-1.airlock.partial";
  REQUIRE(fs::exists(partial));
  SECTION("a byte") {
    std::string text = test::read_whole(partial);
    text.at(text.size() / 2) = static_cast<char>(text.at(text.size() / 2) ^ 4);
    base::write_file_atomic(partial, text);
  }
  SECTION("cut") {
    fs::resize_file(partial, fs::file_size(partial) - 1000);
  }
  SECTION("gone") {
    fs::remove(partial);
  }
  SECTION("a byte of a blob that was begun, as after a power cut") {
    std::string text = test::read_whole(partial);
    text.resize(text.size() - 5'000);
    text.at(text.size() - 5'000) = static_cast<char>(text.at(text.size() - 5'000) ^ 4);
    base::write_file_atomic(partial, text);
  }
  run.check(run.host.create(options));
}

TEST_CASE("what comes after the bundle is done is taken up as well", "[workflow][create][resume]") {
  InterruptibleRun run;
  const auto options = run.options();
  // A folder in the place of a small file: the bundle has its name, but the set is not complete.
  fs::create_directories(run.host.out() / "root.json");
  CHECK(test::code_of([&] { return run.host.create(options); }) != ErrorCode::internal);
  CHECK(fs::exists(run.host.out() / "site-a-1.airlock"));
  fs::remove(run.host.out() / "root.json");
  const CreateReport report = run.host.create(options);
  CHECK(report.continued);
  CHECK(report.serial == 1);
  CHECK(report.sealed);
  CHECK(run.gets() == static_cast<int>(k_files));
  run.check(report);
  CHECK(fs::exists(run.host.out() / "site-a-1.sha256"));
  CHECK(run.host.create(options).serial == 2);
}

TEST_CASE("kill -9 at any point costs no more than what was under way", "[workflow][create][resume]") {
  if (!k_may_fork) {
    return;
  }
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(150'000));
  const test::ScopedEnvironment epoch("SOURCE_DATE_EPOCH", "1782907200");
  InterruptibleRun run;
  auto options = run.options();
  options.volume_size = volume_size;
  options.rate_limit = 1u << 20;  // about half a second, so that kills fall into every part of it
  int kills = 0;
  for (int delay = 20; kills < 12; delay += 25) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        run.host.create(options);
        _exit(0);
      } catch (const std::exception&) {
        _exit(1);
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(delay));
    kill(child, SIGKILL);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) {
      CHECK(WEXITSTATUS(status) == 0);
      break;
    }
    ++kills;
  }
  CHECK(kills > 0);
  CreateReport report;
  if (fs::exists(run.host.home().channel("site-a") / "last.airlock") &&
      !fs::exists(run.host.home().channel("site-a") / "run")) {
    report.bundle = run.host.out() / "site-a-1.airlock";  // the last child came to its end
  } else {
    report = run.host.create(options);
    CHECK(report.serial == 1);
  }
  run.check(report);
  // Not a byte is different from a run that nobody stopped.
  const std::string first = test::read_whole(report.bundle);
  fs::remove_all(run.host.out());
  fs::create_directories(run.host.out());
  fs::remove_all(run.host.home().channel("site-a"));
  CHECK((test::read_whole(run.host.create(options).bundle) == first));
}

}  // namespace
}  // namespace airlock::workflow
