// Which descriptor the store asks for failed writes. syncfs stands here before the system's, and remembers it.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <string>

#include "base/files.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"

namespace {

std::atomic<int> g_synced = -1;

}  // namespace

extern "C" int syncfs(int fd) noexcept {
  if (fd >= 0) {
    g_synced = fd;
  }
  return static_cast<int>(::syscall(SYS_syncfs, fd));
}

namespace airlock::store {

namespace {

// Descriptors of this process that are open on `folder`.
std::set<int> open_on(const std::filesystem::path& folder) {
  std::set<int> found;
  for (int fd = 0; fd < 1024; ++fd) {
    std::error_code error;
    if (std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error) == folder && !error) {
      found.insert(fd);
    }
  }
  return found;
}

}  // namespace

TEST_CASE("a sync asks a descriptor that was open before the first write, or it would not hear of all that failed",
          "[store][blob_store]") {
  if (!base::syncfs_reports_errors()) {
    return;  // each file is synced here
  }
  const base::TempDir folder;
  const auto root = std::filesystem::canonical(folder.path()) / "blobs";
  const BlobStore blobs(root);
  const std::string content = "hello";
  const auto digest = base::sha256(content);
  std::set<int> before;
  SECTION("written") {
    BlobStore::Writer writer(blobs, digest, content.size());
    before = open_on(root);
    writer.write(base::as_bytes(content));
    writer.finish();
  }
  SECTION("left by another process, and read") {
    put(BlobStore(root), content);
    REQUIRE(blobs.recheck(digest, content.size()));
    before = open_on(root);
  }
  REQUIRE(before.size() == 1);
  const BlobStore copy = blobs;
  copy.sync();
  CHECK(g_synced == *before.begin());
}

}  // namespace airlock::store
