#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

#include "base/files.hpp"
#include "base/lock_holder.hpp"
#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;
using airlock::test::error_of;

TEST_CASE("directories are made with all that lead to them", "[base][files]") {
  const TempDir dir;
  const fs::path deep = dir.path() / "a" / "b" / "c";
  make_directories(deep, 0700);
  CHECK(fs::is_directory(deep));
  CHECK((fs::status(dir.path() / "a").permissions() & fs::perms::group_all) == fs::perms::none);
  CHECK_NOTHROW(make_directories(deep));
  CHECK_NOTHROW(make_directories(dir.path() / "d" / "e" / ""));
  CHECK_NOTHROW(make_directories("/"));
  CHECK_NOTHROW(make_directories(""));
  fs::create_directory_symlink(deep, dir.path() / "link");
  CHECK_NOTHROW(make_directories(dir.path() / "link"));
}

TEST_CASE("a file in the way of a directory is named", "[base][files]") {
  const TempDir dir;
  write_file_atomic(dir.path() / "f", "x");
  CHECK(error_of([&] {
          make_directories(dir.path() / "f");
          return 0;
        })
            .message()
            .find("/f'") != std::string::npos);
  CHECK(code_of([&] {
          make_directories(dir.path() / "f" / "g");
          return 0;
        }) == ErrorCode::io);
}

TEST_CASE("a lock is held by one and free again afterwards", "[base][files]") {
  const TempDir dir;
  const fs::path path = dir.path() / "lock";
  {
    const FileLock lock(path);
    const Error error = error_of([&] { return FileLock(path); });
    CHECK(error.code() == ErrorCode::busy);
    CHECK(error.message().find(path.native()) != std::string::npos);
    CHECK(error.message().find("process " + std::to_string(getpid()) + " (") != std::string::npos);
  }
  FileLock again(path);
  const FileLock moved(std::move(again));
  CHECK(code_of([&] { return FileLock(path); }) == ErrorCode::busy);
  CHECK(code_of([&] { return FileLock(dir.path() / "absent" / "lock"); }) == ErrorCode::io);
}

TEST_CASE("the space of a file system is known", "[base][files]") {
  const TempDir dir;
  const SpaceInfo info = space_info(dir.path());
  CHECK(info.free_bytes > 0);
  CHECK_FALSE(info.file_system.empty());
  CHECK(info.max_file_size == UINT64_MAX);
  CHECK(code_of([&] { return space_info(dir.path() / "absent"); }) == ErrorCode::io);
}

TEST_CASE("memory file systems are known by name and are not removable", "[base][files]") {
  if (fs::is_directory("/dev/shm")) {
    const SpaceInfo info = space_info("/dev/shm");
    CHECK((info.file_system == "tmpfs" || info.file_system == "overlay" || info.file_system == "ext4"));
    CHECK_FALSE(info.removable);
  }
}

TEST_CASE("a temporary directory is private and goes with everything in it", "[base][files]") {
  fs::path path;
  fs::path outside;
  const TempDir keep;
  {
    const TempDir dir;
    path = dir.path();
    CHECK((fs::status(path).permissions() & fs::perms::all) == fs::perms::owner_all);
    make_directories(path / "a" / "b");
    write_file_atomic(path / "a" / "b" / "f", "x");
    write_file_atomic(keep.path() / "f", "x");
    fs::create_symlink(keep.path(), path / "link");
    REQUIRE(chmod((path / "a" / "b").c_str(), 0500) == 0);
    REQUIRE(chmod((path / "a").c_str(), 0500) == 0);
  }
  CHECK_FALSE(fs::exists(path));
  CHECK(fs::exists(keep.path() / "f"));
}

TEST_CASE("a temporary directory is made where it is asked for", "[base][files]") {
  const TempDir parent;
  const TempDir dir(parent.path(), "work-");
  CHECK(dir.path().parent_path() == parent.path());
  CHECK(dir.path().filename().native().starts_with("work-"));
  CHECK(code_of([&] { return TempDir(parent.path() / "absent").path(); }) == ErrorCode::io);
}

TEST_CASE("who holds a lock is told without taking it", "[base][files]") {
  const TempDir dir;
  const auto path = dir.path() / "lock";
  CHECK_FALSE(lock_holder(path));
  {
    const FileLock lock(path);
    REQUIRE(lock_holder(path));
    CHECK(*lock_holder(path) == ::getpid());
  }
  CHECK_FALSE(lock_holder(path));
}

TEST_CASE("whether a lock is held is not taken from others who only ask", "[base][files]") {
  const TempDir dir;
  const auto path = dir.path() / "lock";
  CHECK_FALSE(is_locked(path));
  CHECK_FALSE(fs::exists(path));
  {
    const FileLock lock(path);
    CHECK(is_locked(path));
  }
  CHECK_FALSE(is_locked(path));
  const Fd other(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(::flock(other.get(), LOCK_SH | LOCK_NB) == 0);
  CHECK_FALSE(is_locked(path));
  fs::remove(path);
  fs::create_symlink("elsewhere", path);
  CHECK(code_of([&] { return is_locked(path); }) == ErrorCode::io);
}

TEST_CASE("a lock is taken past the share of those who only ask, and past nobody who holds it", "[base][files]") {
  const TempDir dir;
  const auto path = dir.path() / "lock";
  write_file_atomic(path, "");
  Fd asking(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(::flock(asking.get(), LOCK_SH | LOCK_NB) == 0);
  CHECK(code_of([&] { return FileLock(path); }) == ErrorCode::busy);
  const auto asked = std::async(std::launch::async, [&asking] {
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    asking = Fd();
  });
  const FileLock lock = lock_past_askers(path);
  CHECK(is_locked(path));
  CHECK(code_of([&] { return lock_past_askers(path); }) == ErrorCode::busy);
}
