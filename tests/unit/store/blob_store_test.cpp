#include "store/blob_store.hpp"

#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "base/files.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"

namespace airlock::store {

namespace fs = std::filesystem;
using base::Digest;
using base::ErrorCode;

namespace {

std::size_t files_below(const fs::path& folder) {
  std::size_t count = 0;
  if (fs::exists(folder)) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      count += entry.is_regular_file() ? 1U : 0U;
    }
  }
  return count;
}

std::string content_of(const base::FileSlice& slice) {
  base::FileSource source(slice.fd->get(), slice.offset, slice.length, "blob");
  return base::read_all(source, 1 << 20);
}

fs::path file_of(const fs::path& root, const Digest& digest) {
  return root / "sha256" / digest.hex().substr(0, 2) / digest.hex();
}

// In this thread, gives up root's right to open everything, and `folder` to whom it becomes.
class AsNobody {
 public:
  explicit AsNobody(const fs::path& folder) {
    if (::geteuid() != 0) {
      return;
    }
    REQUIRE(::chown(folder.c_str(), k_nobody, k_nobody) == 0);
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      REQUIRE(::chown(entry.path().c_str(), k_nobody, k_nobody) == 0);
    }
    ::setfsuid(k_nobody);
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody() { ::setfsuid(::geteuid()); }

 private:
  static constexpr uid_t k_nobody = 65534;
};

void overwrite(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

}  // namespace

TEST_CASE("a blob is there under its digest after it was finished", "[store][blob_store]") {
  const base::TempDir folder;
  const BlobStore blobs(folder.path() / "blobs");
  const Digest digest = put(blobs, "hello");
  CHECK(blobs.file_exists(digest, 5));
  CHECK_FALSE(blobs.file_exists(digest, 6));
  const auto slice = blobs.open(digest);
  REQUIRE(slice);
  CHECK(content_of(*slice) == "hello");
  CHECK(fs::exists(file_of(blobs.root(), digest)));
  CHECK_FALSE(blobs.open(base::sha256("other")));
}

TEST_CASE("the empty blob and one written in pieces are blobs too", "[store][blob_store]") {
  const base::TempDir folder;
  const BlobStore blobs(folder.path());
  CHECK(content_of(*blobs.open(put(blobs, ""))).empty());

  const Digest digest = base::sha256("one two");
  BlobStore::Writer writer(blobs, digest, 7);
  writer.write(base::as_bytes("one "));
  writer.write({});
  writer.write(base::as_bytes("two"));
  writer.finish();
  CHECK(content_of(*blobs.open(digest)) == "one two");
}

TEST_CASE("content that is not what was promised leaves nothing", "[store][blob_store]") {
  const std::string without = GENERATE(as<std::string>{}, "", "o_tmpfile");
  const test::ScopedEnvironment environment("AIRLOCK_WITHOUT", without);
  const base::TempDir folder;
  const BlobStore blobs(folder.path());
  const Digest digest = base::sha256("hello");
  SECTION("other bytes") {
    BlobStore::Writer writer(blobs, digest, 5);
    writer.write(base::as_bytes("jello"));
    CHECK(test::code_of([&] {
            writer.finish();
            return 0;
          }) == ErrorCode::tampered);
  }
  SECTION("too few") {
    BlobStore::Writer writer(blobs, digest, 5);
    writer.write(base::as_bytes("hell"));
    CHECK(test::code_of([&] {
            writer.finish();
            return 0;
          }) == ErrorCode::tampered);
  }
  SECTION("too many") {
    BlobStore::Writer writer(blobs, digest, 5);
    writer.write(base::as_bytes("hello"));
    CHECK(test::code_of([&] {
            writer.write(base::as_bytes("!"));
            return 0;
          }) == ErrorCode::tampered);
  }
  SECTION("a longer blob that begins with it") {
    BlobStore::Writer writer(blobs, digest, 5);
    CHECK(test::code_of([&] {
            writer.write(base::as_bytes("hello!"));
            return 0;
          }) == ErrorCode::tampered);
  }
  SECTION("a writer that was given up") {
    BlobStore::Writer writer(blobs, digest, 5);
    writer.write(base::as_bytes("hello"));
  }
  CHECK_FALSE(blobs.open(digest));
  CHECK(files_below(folder.path()) == 0);
}

TEST_CASE("one blob can be synced by itself", "[store][blob_store]") {
  const std::string without = GENERATE(as<std::string>{}, "", "syncfs");
  const test::ScopedEnvironment environment("AIRLOCK_WITHOUT", without);
  const base::TempDir folder;
  const BlobStore blobs(folder.path() / "blobs");
  const Digest digest = put(blobs, "hello");
  blobs.sync(digest);
  blobs.sync();
  CHECK(content_of(*blobs.open(digest)) == "hello");
  CHECK(test::code_of([&] { blobs.sync(base::sha256("other")); }) == ErrorCode::not_found);
}

TEST_CASE("a file that lost power before its sync is replaced by proven bytes", "[store][blob_store]") {
  const base::TempDir folder;
  const BlobStore blobs(folder.path());
  const Digest digest = put(blobs, "hello");
  const std::string leftover = GENERATE(as<std::string>{}, "", "hell", std::string(5, '\0'));
  overwrite(file_of(folder.path(), digest), leftover);
  put(blobs, "hello");
  CHECK(content_of(*blobs.open(digest)) == "hello");
}

TEST_CASE("a leftover without a row is proven or removed", "[store][blob_store]") {
  const base::TempDir folder;
  const BlobStore blobs(folder.path());
  const Digest digest = put(blobs, "hello");
  CHECK(blobs.recheck(digest, 5));
  CHECK_FALSE(blobs.recheck(base::sha256("absent"), 6));
  overwrite(file_of(folder.path(), digest), "jello");
  CHECK_FALSE(blobs.recheck(digest, 5));
  CHECK_FALSE(blobs.open(digest));
}

TEST_CASE("a leftover that cannot be opened is removed", "[store][blob_store]") {
  const base::TempDir folder;
  const BlobStore blobs(folder.path());
  const Digest digest = put(blobs, "hello");
  const fs::path path = file_of(folder.path(), digest);
  REQUIRE(::chmod(path.c_str(), 0) == 0);
  const AsNobody nobody(folder.path());
  REQUIRE(test::code_of([&] { return blobs.open(digest).has_value(); }) == ErrorCode::io);
  CHECK_FALSE(blobs.recheck(digest, 5));
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("no leftover is removed for want of descriptors", "[store][blob_store]") {
  const base::TempDir folder;
  const BlobStore blobs(folder.path());
  const Digest digest = put(blobs, "hello");
  rlimit before = {};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto code = test::code_of([&] { return blobs.recheck(digest, 5); });
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(code == ErrorCode::io);
  CHECK(blobs.recheck(digest, 5));
}

TEST_CASE("what a killed writer left is not a blob and can be removed", "[store][blob_store]") {
  const test::ScopedEnvironment environment("AIRLOCK_WITHOUT", "o_tmpfile");
  const base::TempDir folder;
  const BlobStore blobs(folder.path());
  put(blobs, "hello");
  overwrite(folder.path() / "incoming" / "left", "half");
  overwrite(folder.path() / "sha256" / "2c" / "left", "half");
  std::size_t seen = 0;
  blobs.for_each_file([&](const Digest&, std::uint64_t) { ++seen; });
  CHECK(seen == 1);
  blobs.remove_leftovers();
  CHECK_FALSE(fs::exists(folder.path() / "incoming" / "left"));
  CHECK(blobs.open(base::sha256("hello")));
}

TEST_CASE("files are listed in order of digest with their lengths", "[store][blob_store]") {
  const base::TempDir folder;
  const BlobStore blobs(folder.path());
  for (int i = 0; i < 20; ++i) {
    put(blobs, std::string(static_cast<std::size_t>(i), 'x'));
  }
  std::vector<Digest> digests;
  std::uint64_t bytes = 0;
  blobs.for_each_file([&](const Digest& digest, std::uint64_t length) {
    digests.push_back(digest);
    bytes += length;
  });
  CHECK(digests.size() == 20);
  CHECK(std::is_sorted(digests.begin(), digests.end()));
  CHECK(bytes == 190);
  blobs.remove(digests[0]);
  blobs.remove(digests[0]);  // what is not there is removed already
  CHECK_FALSE(blobs.open(digests[0]));
}

TEST_CASE("a link in the store is never followed", "[store][blob_store]") {
  const base::TempDir folder;
  const BlobStore blobs(folder.path());
  const Digest digest = put(blobs, "hello");
  const fs::path path = file_of(folder.path(), digest);
  fs::rename(path, folder.path() / "elsewhere");
  fs::create_symlink(folder.path() / "elsewhere", path);
  CHECK_FALSE(blobs.file_exists(digest, 5));
  CHECK(test::code_of([&] { return blobs.open(digest).has_value(); }) == ErrorCode::io);
  // As every file that gives no bytes it stops nobody who looks what an earlier run left.
  CHECK_FALSE(blobs.recheck(digest, 5));
  CHECK_FALSE(fs::is_symlink(path));
  CHECK(fs::exists(folder.path() / "elsewhere"));
}

TEST_CASE("many writers at once store each blob once", "[store][blob_store]") {
  const std::string without = GENERATE(as<std::string>{}, "", "o_tmpfile", "syncfs", "fallocate");
  const test::ScopedEnvironment environment("AIRLOCK_WITHOUT", without);
  const base::TempDir folder;
  const BlobStore blobs(folder.path());
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          put(blobs, "blob " + std::to_string(i));  // the same ones in every thread
        }
      });
    }
  }
  blobs.sync();
  CHECK(files_below(folder.path()) == 50);
  for (int i = 0; i < 50; ++i) {
    const std::string content = "blob " + std::to_string(i);
    CHECK(content_of(*blobs.open(base::sha256(content))) == content);
  }
}

TEST_CASE("a large blob is stored where no room can be reserved ahead", "[store][blob_store]") {
  const std::string without = GENERATE(as<std::string>{}, "", "fallocate");
  const test::ScopedEnvironment environment("AIRLOCK_WITHOUT", without);
  const base::TempDir folder;
  const BlobStore blobs(folder.path());
  const std::string content(3 << 20, 'x');
  const Digest digest = put(blobs, content);
  CHECK(blobs.file_exists(digest, content.size()));
}

TEST_CASE("a store that was never written to is empty and can be synced", "[store][blob_store]") {
  const base::TempDir folder;
  const BlobStore blobs(folder.path() / "blobs");
  blobs.sync();
  blobs.remove_leftovers();
  blobs.for_each_file([](const Digest&, std::uint64_t) { FAIL("there is none"); });
  CHECK_FALSE(fs::exists(folder.path() / "blobs"));
}

TEST_CASE("import speed of small blobs", "[.benchmark][store][blob_store]") {
  const base::TempDir folder;
  const BlobStore blobs(folder.path() / "blobs");
  StateDb state(folder.path(), StateDb::Access::change);
  const auto start = std::chrono::steady_clock::now();
  std::string content(4096, 'x');
  {
    auto change = state.change();
    for (int i = 0; i < 20'000; ++i) {
      content.replace(0, 8, std::to_string(10'000'000 + i));
      state.add_blob(put(blobs, content), content.size());
    }
    blobs.sync();
    change.commit();
  }
  const std::chrono::duration<double> duration = std::chrono::steady_clock::now() - start;
  WARN(static_cast<int>(20'000 / duration.count()) << " blobs of 4 KiB per second");
}

}  // namespace airlock::store
