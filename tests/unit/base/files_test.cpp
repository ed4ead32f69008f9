#include "base/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.hpp"
#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;

TEST_CASE("a descriptor is owned once", "[base][files]") {
  const TempDir dir;
  write_file_atomic(dir.path() / "f", "x");
  Fd a = open_for_reading(dir.path() / "f");
  const int number = a.get();
  Fd b = std::move(a);
  CHECK_FALSE(a);
  CHECK(b.get() == number);
  a = open_for_reading(dir.path() / "f");
  b = std::move(a);
  CHECK(fcntl(number, F_GETFD) == -1);
  CHECK((fcntl(b.get(), F_GETFD) & FD_CLOEXEC) != 0);
  const Fd c(b.release());
  CHECK_FALSE(b);
}

TEST_CASE("only regular files are opened for reading", "[base][files]") {
  const TempDir dir;
  const fs::path& here = dir.path();
  CHECK(code_of([&] { return open_for_reading(here / "absent"); }) == ErrorCode::not_found);
  CHECK(code_of([&] { return open_for_reading(here); }) == ErrorCode::io);
  CHECK(code_of([&] { return open_for_reading("/dev/null"); }) == ErrorCode::io);
  REQUIRE(mkfifo((here / "fifo").c_str(), 0600) == 0);
  CHECK(code_of([&] { return open_for_reading(here / "fifo"); }) == ErrorCode::io);
  write_file_atomic(here / "f", "x");
  CHECK(code_of([&] { return open_for_reading(here / "f" / "g"); }) == ErrorCode::not_found);
}

TEST_CASE("a link in the last component is followed only on request", "[base][files]") {
  const TempDir dir;
  write_file_atomic(dir.path() / "f", "x");
  fs::create_symlink("f", dir.path() / "link");
  CHECK_NOTHROW(open_for_reading(dir.path() / "link"));
  CHECK(code_of([&] { return open_for_reading(dir.path() / "link", FollowLinks::no); }) == ErrorCode::io);
  CHECK_NOTHROW(open_for_reading(dir.path() / "f", FollowLinks::no));
}

TEST_CASE("a small file is read whole, up to the limit", "[base][files]") {
  const TempDir dir;
  const fs::path path = dir.path() / "f";
  CHECK(code_of([&] { return read_file(path, 10); }) == ErrorCode::not_found);
  CHECK_FALSE(read_file_if_exists(path, 10));
  write_file_atomic(path, std::string("a\0b", 3));
  CHECK(read_file(path, 3) == std::string("a\0b", 3));
  CHECK(read_file_if_exists(path, 10) == std::string("a\0b", 3));
  CHECK(code_of([&] { return read_file(path, 2); }) == ErrorCode::limit);
  CHECK(code_of([&] { return read_file_if_exists(path, 2); }) == ErrorCode::limit);
  write_file_atomic(path, "");
  CHECK(read_file(path, 0).empty());
  const std::string large(300'000, 'x');
  write_file_atomic(path, large);
  CHECK(read_file(path, large.size()) == large);
}

TEST_CASE("files of the kernel, which have no size, are read too", "[base][files]") {
  CHECK_FALSE(read_file("/proc/self/status", 1'000'000).empty());
  CHECK(code_of([] { return read_file("/proc/self/status", 10); }) == ErrorCode::limit);
}

TEST_CASE("an atomic write replaces the whole file and leaves nothing else", "[base][files]") {
  const TempDir dir;
  const fs::path path = dir.path() / "f";
  write_file_atomic(path, "one");
  write_file_atomic(path, "two", 0600);
  CHECK(read_file(path, 10) == "two");
  CHECK((fs::status(path).permissions() & fs::perms::all) == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a failed atomic write leaves the old file and no temporary", "[base][files]") {
  const TempDir dir;
  fs::create_directory(dir.path() / "taken");
  CHECK(code_of([&] {
          write_file_atomic(dir.path() / "taken", "x");
          return 0;
        }) == ErrorCode::io);
  CHECK(code_of([&] {
          write_file_atomic(dir.path() / "absent" / "f", "x");
          return 0;
        }) == ErrorCode::io);
  CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("what a killed writer left is removed, and what a living one writes is not", "[base][files]") {
  const TempDir dir;
  const fs::path left = dir.path() / (".airlock-" + std::string(32, 'a') + ".tmp");
  write_file_atomic(left, "half a fi");
  const fs::path foreign = dir.path() / ".airlock-notes.tmp";
  write_file_atomic(foreign, "mine");
  AtomicFile living(dir.path() / "f");
  living.write(as_bytes("whole"));
  remove_leftovers(dir.path());
  CHECK_FALSE(fs::exists(left));
  CHECK(fs::exists(foreign));
  living.commit();
  CHECK(read_file(dir.path() / "f", 100) == "whole");
  remove_leftovers(dir.path() / "absent");
}

TEST_CASE("folders that killed processes left are removed, and nothing else is", "[base][files]") {
  const TempDir dir;
  const fs::path left = dir.path() / ".proof-Ab3dEf";
  make_directories(left / "deep");
  write_file_atomic(left / "deep" / "head", "x");
  fs::permissions(left / "deep", fs::perms::owner_read | fs::perms::owner_exec);  // as module caches are
  make_directories(dir.path() / ".proof-notes");
  make_directories(dir.path() / "kept");
  write_file_atomic(dir.path() / "kept" / "file", "mine");
  write_file_atomic(dir.path() / ".proof-Ab3dEg", "a file");
  fs::create_directory_symlink(dir.path() / "kept", dir.path() / ".proof-Ab3dEh");
  TempDir::remove_leftovers(dir.path(), ".proof-");
  CHECK_FALSE(fs::exists(left));
  CHECK(fs::exists(dir.path() / ".proof-notes"));
  CHECK(fs::exists(dir.path() / ".proof-Ab3dEg"));
  CHECK(fs::exists(dir.path() / ".proof-Ab3dEh" / "file"));
  TempDir::remove_leftovers(dir.path() / "absent", ".proof-");
}

TEST_CASE("positioned reads and writes move whole spans", "[base][files]") {
  const TempDir dir;
  const Fd fd(open((dir.path() / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  write_all(fd.get(), as_bytes("0123456789"), "f");
  pwrite_all(fd.get(), as_bytes("xy"), 4, "f");
  std::string text(6, ' ');
  pread_exact(fd.get(), std::as_writable_bytes(std::span(text)), 3, "f");
  CHECK(text == "3xy678");
  CHECK(file_size(fd.get(), "f") == 10);
  const auto read_at = [&](std::uint64_t offset) {
    pread_exact(fd.get(), std::as_writable_bytes(std::span(text)), offset, "f");
    return 0;
  };
  CHECK(code_of([&] { return read_at(5); }) == ErrorCode::truncated);
  CHECK(code_of([&] { return read_at(UINT64_MAX - 2); }) == ErrorCode::limit);
  CHECK(code_of([&] {
          pwrite_all(fd.get(), as_bytes("x"), UINT64_MAX, "f");
          return 0;
        }) == ErrorCode::limit);
}

TEST_CASE("a full device is no_space", "[base][files]") {
  const Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(full);
  CHECK(code_of([&] {
          write_all(full.get(), as_bytes("x"), "f");
          return 0;
        }) == ErrorCode::no_space);
  CHECK(code_of([&] {
          pwrite_all(full.get(), as_bytes("x"), 0, "f");
          return 0;
        }) == ErrorCode::no_space);
}

TEST_CASE("syncing a file and a directory works", "[base][files]") {
  const TempDir dir;
  write_file_atomic(dir.path() / "f", "x");
  const Fd fd = open_for_reading(dir.path() / "f");
  CHECK_NOTHROW(sync_file(fd.get(), "f"));
  CHECK_NOTHROW(sync_directory(dir.path()));
  CHECK(code_of([&] {
          sync_directory(dir.path() / "absent");
          return 0;
        }) == ErrorCode::not_found);
  CHECK(code_of([] {
          sync_file(-1, "f");
          return 0;
        }) == ErrorCode::io);
}
