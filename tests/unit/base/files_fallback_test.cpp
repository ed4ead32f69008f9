// Whatever a hardened kernel refuses, the promise stays the same: each case runs with and without the system
// calls.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;
using airlock::test::ScopedEnvironment;

namespace {

constexpr const char* k_nothing = "";
constexpr const char* k_few = "openat2, o_tmpfile,copy_file_range,syncfs,fallocate";
constexpr const char* k_fat = "o_tmpfile,link,fallocate";
constexpr const char* k_everything = "openat2,o_tmpfile,link,renameat2,copy_file_range,syncfs,fallocate";

std::ptrdiff_t count_entries(const fs::path& directory) {
  return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
}

}  // namespace

TEST_CASE("AIRLOCK_WITHOUT takes system calls away by name", "[base][files]") {
  {
    const ScopedEnvironment scope("AIRLOCK_WITHOUT", k_few);
    CHECK_FALSE(system_call_available("openat2"));
    CHECK_FALSE(system_call_available("o_tmpfile"));
    CHECK_FALSE(system_call_available("fallocate"));
    CHECK(system_call_available("openat"));
  }
  const ScopedEnvironment scope("AIRLOCK_WITHOUT", std::nullopt);
  CHECK(system_call_available("openat2"));
}

TEST_CASE("a path is opened beneath a directory", "[base][files]") {
  const ScopedEnvironment scope("AIRLOCK_WITHOUT", GENERATE(k_nothing, k_few, k_fat, k_everything));
  const TempDir dir;
  make_directories(dir.path() / "a" / "b");
  write_file_atomic(dir.path() / "a" / "b" / "f", "text");
  const Fd top = open_directory(dir.path());

  const auto found = open_beneath(top.get(), "a/b/f", O_RDONLY);
  REQUIRE(found);
  CHECK(file_size(found->get(), "f") == 4);
  CHECK((fcntl(found->get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(open_beneath(top.get(), "a/b", O_RDONLY | O_DIRECTORY));
  CHECK(open_beneath(top.get(), "a/b/", O_RDONLY | O_DIRECTORY));
  CHECK(open_beneath(top.get(), ".", O_RDONLY | O_DIRECTORY));
  CHECK_FALSE(open_beneath(top.get(), "a/b/absent", O_RDONLY));
  CHECK_FALSE(open_beneath(top.get(), "absent/f", O_RDONLY));
  CHECK_FALSE(open_beneath(top.get(), "a/b/f/g", O_RDONLY));
  CHECK_FALSE(open_beneath(top.get(), "a/b/f/g/h", O_RDONLY));
}

TEST_CASE("a file is created beneath a directory with its mode", "[base][files]") {
  const ScopedEnvironment scope("AIRLOCK_WITHOUT", GENERATE(k_nothing, k_few, k_fat, k_everything));
  const TempDir dir;
  const Fd top = open_directory(dir.path());
  const auto made = open_beneath(top.get(), "f", O_WRONLY | O_CREAT | O_EXCL, 0600);
  REQUIRE(made);
  CHECK((fs::status(dir.path() / "f").permissions() & fs::perms::group_all) == fs::perms::none);
  CHECK(code_of([&] { return open_beneath(top.get(), "f", O_WRONLY | O_CREAT | O_EXCL, 0600); }) == ErrorCode::io);
}

TEST_CASE("no link is followed beneath a directory", "[base][files]") {
  const ScopedEnvironment scope("AIRLOCK_WITHOUT", GENERATE(k_nothing, k_few, k_fat, k_everything));
  const TempDir dir;
  make_directories(dir.path() / "top" / "real");
  write_file_atomic(dir.path() / "top" / "real" / "f", "text");
  write_file_atomic(dir.path() / "secret", "text");
  fs::create_symlink("real", dir.path() / "top" / "link");
  fs::create_symlink("real/f", dir.path() / "top" / "file");
  fs::create_symlink(dir.path() / "secret", dir.path() / "top" / "out");
  fs::create_symlink("absent", dir.path() / "top" / "dangling");
  const Fd top = open_directory(dir.path() / "top");
  for (const char* const path : {"link/f", "file", "out", "dangling"}) {
    CAPTURE(path);
    CHECK(code_of([&] { return open_beneath(top.get(), path, O_RDONLY); }) == ErrorCode::io);
  }
  CHECK(code_of([&] { return open_beneath(top.get(), "link", O_RDONLY | O_DIRECTORY); }) == ErrorCode::io);
  CHECK(code_of([&] { return open_beneath(top.get(), "dangling", O_WRONLY | O_CREAT, 0600); }) == ErrorCode::io);
}

TEST_CASE("a path that could leave the directory is refused", "[base][files]") {
  const ScopedEnvironment scope("AIRLOCK_WITHOUT", GENERATE(k_nothing, k_few, k_fat, k_everything));
  const TempDir dir;
  const Fd top = open_directory(dir.path());
  for (const std::string path : {"", "..", "../x", "a/../x", "a/..", "/etc/passwd", "/"}) {
    CAPTURE(path);
    CHECK(code_of([&] { return open_beneath(top.get(), path, O_RDONLY); }) == ErrorCode::malformed);
  }
  CHECK(code_of([&] { return open_beneath(top.get(), fs::path(std::string("a\0b", 3)), O_RDONLY); }) ==
        ErrorCode::malformed);
}

TEST_CASE("an unnamed file gets its name when it is published", "[base][files]") {
  const ScopedEnvironment scope("AIRLOCK_WITHOUT", GENERATE(k_nothing, k_few, k_fat, k_everything));
  const TempDir dir;
  UnnamedFile file(dir.path(), 0640);
  file.reserve(4);
  file.write(as_bytes("te"));
  file.write(as_bytes("xt"));
  CHECK_FALSE(fs::exists(dir.path() / "f"));
  file.publish(dir.path() / "f");
  CHECK(read_file(dir.path() / "f", 10) == "text");
  CHECK(count_entries(dir.path()) == 1);
  CHECK((fs::status(dir.path() / "f").permissions() & fs::perms::others_all) == fs::perms::none);
  CHECK(file_size(file.fd(), "f") == 4);
  CHECK(code_of([&] {
          file.publish(dir.path() / "g");
          return 0;
        }) == ErrorCode::internal);
}

TEST_CASE("publishing keeps an existing file and counts as success", "[base][files]") {
  const ScopedEnvironment scope("AIRLOCK_WITHOUT", GENERATE(k_nothing, k_few, k_fat, k_everything));
  const TempDir dir;
  write_file_atomic(dir.path() / "f", "old");
  {
    UnnamedFile file(dir.path());
    file.write(as_bytes("new"));
    CHECK_NOTHROW(file.publish(dir.path() / "f"));
  }
  CHECK(read_file(dir.path() / "f", 10) == "old");
  CHECK(count_entries(dir.path()) == 1);
}

TEST_CASE("an unnamed file that the kernel will not name is published as a copy", "[base][files]") {
  const ScopedEnvironment scope("AIRLOCK_WITHOUT",
                                GENERATE("link", "link,renameat2", "link,renameat2,copy_file_range"));
  const TempDir dir;
  UnnamedFile file(dir.path(), 0640);
  file.write(as_bytes("text"));
  file.publish(dir.path() / "f");
  CHECK(read_file(dir.path() / "f", 10) == "text");
  CHECK((fs::status(dir.path() / "f").permissions() & fs::perms::others_all) == fs::perms::none);
  CHECK(file_size(file.fd(), "f") == 4);
  UnnamedFile other(dir.path());
  other.write(as_bytes("other"));
  other.publish(dir.path() / "f");
  CHECK(read_file(dir.path() / "f", 10) == "text");
  CHECK(count_entries(dir.path()) == 1);
}

TEST_CASE("a dropped or moved unnamed file leaves nothing behind", "[base][files]") {
  const ScopedEnvironment scope("AIRLOCK_WITHOUT", GENERATE(k_nothing, k_few, k_fat, k_everything));
  const TempDir dir;
  {
    UnnamedFile file(dir.path());
    file.write(as_bytes("x"));
    const UnnamedFile moved(std::move(file));
  }
  CHECK(count_entries(dir.path()) == 0);
  UnnamedFile file(dir.path());
  file.write(as_bytes("x"));
  UnnamedFile moved(std::move(file));
  moved.publish(dir.path() / "f");
  CHECK(read_file(dir.path() / "f", 10) == "x");
  CHECK(count_entries(dir.path()) == 1);
}

TEST_CASE("an unnamed file can be published in another directory of the same file system", "[base][files]") {
  const ScopedEnvironment scope("AIRLOCK_WITHOUT", GENERATE(k_nothing, k_few, k_fat, k_everything));
  const TempDir dir;
  make_directories(dir.path() / "tmp");
  make_directories(dir.path() / "blobs");
  UnnamedFile file(dir.path() / "tmp");
  file.write(as_bytes("x"));
  file.publish(dir.path() / "blobs" / "f");
  CHECK(read_file(dir.path() / "blobs" / "f", 10) == "x");
  CHECK(count_entries(dir.path() / "tmp") == 0);
}

TEST_CASE("publishing into a directory that is not there fails and leaves nothing", "[base][files]") {
  const ScopedEnvironment scope("AIRLOCK_WITHOUT", GENERATE(k_nothing, k_few, k_fat, k_everything));
  const TempDir dir;
  {
    UnnamedFile file(dir.path());
    CHECK(code_of([&] {
            file.publish(dir.path() / "absent" / "f");
            return 0;
          }) == ErrorCode::io);
  }
  CHECK(count_entries(dir.path()) == 0);
  CHECK(code_of([&] { return UnnamedFile(dir.path() / "absent"); }) == ErrorCode::io);
}

TEST_CASE("reserving more than there is throws no_space early", "[base][files]") {
  const ScopedEnvironment scope("AIRLOCK_WITHOUT", GENERATE(k_nothing, k_few, k_fat, k_everything));
  const TempDir dir;
  UnnamedFile file(dir.path());
  const std::uint64_t free = space_info(dir.path()).free_bytes;
  CHECK(code_of([&] {
          file.reserve(free + (1ULL << 40));
          return 0;
        }) == ErrorCode::no_space);
  CHECK_NOTHROW(file.reserve(0));
  CHECK_NOTHROW(file.reserve(1000));
  CHECK(file_size(file.fd(), "f") == 0);
}

TEST_CASE("part of a file is copied to the end of another", "[base][files]") {
  const ScopedEnvironment scope("AIRLOCK_WITHOUT", GENERATE(k_nothing, k_few, k_fat, k_everything));
  const TempDir dir;
  write_file_atomic(dir.path() / "from", "0123456789");
  const Fd from = open_for_reading(dir.path() / "from");
  UnnamedFile to(dir.path());
  to.write(as_bytes("ab"));
  copy_file_bytes(from.get(), 3, 4, to.fd(), "f");
  copy_file_bytes(from.get(), 9, 1, to.fd(), "f");
  copy_file_bytes(from.get(), 9, 0, to.fd(), "f");
  to.publish(dir.path() / "to");
  CHECK(read_file(dir.path() / "to", 100) == "ab34569");
  CHECK(code_of([&] {
          copy_file_bytes(from.get(), 8, 3, to.fd(), "f");
          return 0;
        }) == ErrorCode::truncated);
}

TEST_CASE("a file system is synced, or it is said that errors may go unnoticed", "[base][files]") {
  const TempDir dir;
  const Fd fd = open_directory(dir.path());
  {
    const ScopedEnvironment scope("AIRLOCK_WITHOUT", "syncfs");
    CHECK_FALSE(syncfs_reports_errors());
    CHECK_NOTHROW(sync_file_system(fd.get(), "the store"));
  }
  CHECK_NOTHROW(sync_file_system(fd.get(), "the store"));
  CHECK(code_of([] {
          sync_file_system(-1, "the store");
          return 0;
        }) == ErrorCode::io);
}
