#include "control/log_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "base/error.hpp"
#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::control {

namespace {

const LogName k_log{"01234567-89ab-4def-8123-456789abcdef", 0};

LogAppend piece(std::uint64_t offset, const std::vector<std::string>& lines) {
  LogAppend append{0, offset, {}};
  std::int64_t time = static_cast<std::int64_t>(offset);
  for (const auto& line : lines) {
    append.lines.push_back({UnixMillis(std::chrono::milliseconds(time++)), line});
  }
  return append;
}

std::string text(const LogStore& store, std::uint64_t offset = 0) {
  std::string result;
  for (const auto& line : store.read(k_log, 0, offset, 1000, 1 << 20)) {
    result += line.text;
  }
  return result;
}

}  // namespace

TEST_CASE("lines come once, whatever is sent again", "[log_store]") {
  const base::TempDir folder;
  LogStore store(folder.path(), {});
  CHECK(store.append(k_log, piece(0, {"a\n", "b\n"})).answer.next == 2);
  CHECK(store.append(k_log, piece(0, {"a\n", "b\n"})).answer.next == 2);
  CHECK(store.append(k_log, piece(1, {"b\n", "c\n"})).answer.next == 3);
  const auto gap = store.append(k_log, piece(7, {"x\n"}));
  CHECK(gap.gap);
  CHECK(gap.answer.next == 3);
  CHECK(store.append(k_log, piece(3, {"d"})).answer.next == 4);
  CHECK(text(store) == "a\nb\nc\nd");
  CHECK(text(store, 2) == "c\nd");
  CHECK(text(store, 9).empty());
  CHECK(store.read(k_log, 0, 1, 1, 100).at(0).time.time_since_epoch().count() == 1);
  CHECK(store.read(k_log, 5, 0, 10, 100).empty());
  LogStore again(folder.path(), {});
  CHECK(again.lines(k_log, 0) == 4);
  CHECK(again.append(k_log, piece(4, {"e\n"})).answer.next == 5);
}

TEST_CASE("what a kill cut off is written again", "[log_store]") {
  const base::TempDir folder;
  {
    LogStore store(folder.path(), {});
    store.append(k_log, piece(0, {"first\n", "second\n", "third\n"}));
  }
  const auto place = folder.path() / "01" / k_log.deployment / "0";
  SECTION("text without its index") {
    const base::Fd file(::open((place / "0.log").c_str(), O_WRONLY | O_APPEND));
    base::write_all(file.get(), base::as_bytes("half a li"), "log");
  }
  SECTION("half a record of the index") {
    const base::Fd file(::open((place / "0.index").c_str(), O_WRONLY | O_APPEND));
    base::write_all(file.get(), base::as_bytes("1234567"), "index");
  }
  SECTION("an index whose text was never written") {
    REQUIRE(::truncate((place / "0.log").c_str(), 13) == 0);
  }
  LogStore store(folder.path(), {});
  const auto next = store.append(k_log, piece(99, {})).answer.next;
  CHECK(next >= 2);
  store.append(k_log, piece(2, {"third\n", "fourth\n"}));
  CHECK(text(store) == "first\nsecond\nthird\nfourth\n");
}

TEST_CASE("a log that is too long says where it ends", "[log_store]") {
  const base::TempDir folder;
  LogStore store(folder.path(), {100, 1000});
  std::vector<std::string> lines;
  for (int i = 0; i < 30; ++i) {
    lines.emplace_back("0123456789\n");
  }
  const auto full = store.append(k_log, piece(0, lines));
  CHECK(full.answer.truncated);
  CHECK(full.answer.next == 30);
  CHECK(store.truncated(k_log));
  const std::string kept = text(store);
  CHECK(kept.find("[the log ends here") != std::string::npos);
  CHECK(kept.size() < 250);
  const auto later = store.append(k_log, piece(30, {"more\n"}));
  CHECK(later.answer.truncated);
  CHECK(later.answer.next == 31);
  CHECK_FALSE(later.gap);
  CHECK(text(store) == kept);
  LogStore by_lines(folder.path() / "b", {1 << 20, 10});
  CHECK(by_lines.append(k_log, piece(0, lines)).answer.truncated);
}

TEST_CASE("a reader sees whole lines while they are written", "[log_store]") {
  const base::TempDir folder;
  LogStore store(folder.path(), {});
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < 300; ++i) {
      store.append(k_log, piece(i, {"line " + std::to_string(i) + "\n"}));
    }
  });
  std::uint64_t seen = 0;
  bool whole = true;
  while (seen < 300) {
    for (const auto& line : store.read(k_log, 0, seen, 50, 1000)) {
      whole = whole && line.text == "line " + std::to_string(seen) + "\n";
      ++seen;
    }
  }
  writer.join();
  CHECK(whole);
}

TEST_CASE("a deployment's id that is a path leads nowhere", "[log_store]") {
  const base::TempDir folder;
  LogStore store(folder.path() / "logs", {});
  for (const std::string id : {"", "a", "../../../../etc", "01234567-89ab-4def-8123-456789abcde/"}) {
    CAPTURE(id);
    const LogName log{id, 0};
    CHECK(test::code_of([&] { store.append(log, piece(0, {"line\n"})); }) == base::ErrorCode::tampered);
    CHECK(test::code_of([&] { store.read(log, 0, 0, 10, 1000); }) == base::ErrorCode::tampered);
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

}  // namespace airlock::control
