#include "store/blob_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/files_system.hpp"
#include "base/parallel.hpp"

namespace airlock::store {

namespace fs = std::filesystem;
using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

// Above this size a full disk is noticed before the first byte instead of after the last; below it the extra system
// call costs more than it saves.
constexpr std::uint64_t k_reserve_from = 1024 * 1024;  // bytes
constexpr unsigned k_syncs_in_flight = 16;
constexpr std::uint64_t k_push_each = 8 * 1024 * 1024;  // bytes

std::string shard_name(unsigned shard) {
  return fmt::format("{:02x}", shard);
}

}  // namespace

struct BlobStore::Shared {
  std::once_flag folders;
  std::once_flag opened;
  base::Fd root;
  std::array<std::atomic<bool>, 256> shards{};
  std::mutex mutex;
  std::vector<Digest> unsynced;  // filled only where syncfs cannot be relied on
};

BlobStore::BlobStore(fs::path root) : m_root(std::move(root)), m_shared(std::make_shared<Shared>()) {}

fs::path BlobStore::path_of(const Digest& sha256) const {
  const std::string hex = sha256.hex();
  return m_root / "sha256" / hex.substr(0, 2) / hex;
}

namespace {

// The length of a regular file, or nothing; links are not followed.
std::optional<std::uint64_t> regular_file_size(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return std::nullopt;
    }
    throw base::system_error(errno, fmt::format("cannot examine {}", path.string()));
  }
  if (!S_ISREG(info.st_mode)) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(info.st_size);
}

void remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    throw base::system_error(errno, fmt::format("cannot remove {}", path.string()));
  }
}

// Names in a folder, sorted; none when the folder is not there.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure)) {
    names.push_back(it->path().filename().string());
  }
  if (failure && failure != std::errc::no_such_file_or_directory) {
    throw base::system_error(failure.value(), fmt::format("cannot list {}", folder.string()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path incoming(const fs::path& root) {
  return root / "incoming";
}

}  // namespace

BlobStore::Writer::Writer(const BlobStore& store, const Digest& expected, std::uint64_t length)
    : m_store(store), m_expected(expected), m_length(length), m_file([&] {
        if (expected.algorithm() != base::HashAlgorithm::sha256) {
          throw Error(ErrorCode::internal, "a blob is known by its SHA-256 only");
        }
        std::call_once(store.m_shared->folders, [&] {
          base::make_directories(store.m_root / "sha256");
          base::make_directories(incoming(store.m_root));
          store.opened_root();
        });
        return base::UnnamedFile(incoming(store.m_root));
      }()) {
  if (length >= k_reserve_from) {
    m_file.reserve(length);
  }
}

void BlobStore::Writer::write(std::span<const std::byte> data) {
  if (data.size() > m_length - m_written) {
    throw Error(ErrorCode::tampered, fmt::format("blob {} is longer than the {} bytes that were promised",
                                                 m_expected.to_string(), m_length));
  }
  m_hasher.update(data);
  m_file.write(data);
  const std::uint64_t pushed = m_written / k_push_each * k_push_each;
  m_written += data.size();
  // The medium begins to write while more is still coming, so that the one sync at the end has little left to wait for.
  if (const std::uint64_t full = m_written / k_push_each * k_push_each; full > pushed) {
    base::push_to_medium(m_file.fd(), pushed, full - pushed, base::Push::begin, "blob " + m_expected.to_string());
  }
}

void BlobStore::Writer::sync() {
  base::sync_file(m_file.fd(), "blob " + m_expected.to_string());
}

void BlobStore::Writer::finish() {
  if (m_written != m_length) {
    throw Error(ErrorCode::tampered,
                fmt::format("blob {} ends after {} of {} bytes", m_expected.to_string(), m_written, m_length));
  }
  const Digest actual = m_hasher.finish();
  if (actual != m_expected) {
    throw Error(ErrorCode::tampered,
                fmt::format("blob {} has other content: it hashes to {}", m_expected.to_string(), actual.to_string()));
  }
  m_store.publish(m_file, m_expected, m_length);
}

void BlobStore::publish(base::UnnamedFile& file, const Digest& sha256, std::uint64_t length) const {
  const unsigned shard = sha256.bytes().front();
  std::atomic<bool>& known = m_shared->shards[shard];
  if (!known.load(std::memory_order_acquire)) {
    base::make_directories(m_root / "sha256" / shard_name(shard));
    known.store(true, std::memory_order_release);
  }
  const fs::path target = path_of(sha256);
  // A file of that name may stem from a run that lost power before its sync; what it holds must not be trusted when
  // proven bytes are at hand.
  if (regular_file_size(target)) {
    recheck(sha256, length);
  }
  file.publish(target);
  if (!base::syncfs_reports_errors()) {
    const std::scoped_lock lock(m_shared->mutex);
    m_shared->unsynced.push_back(sha256);
  }
}

namespace {

// One that is not valid, with errno, where it cannot be had.
base::Fd open_blob(const fs::path& path) {
  return base::Fd(base::retry([&path] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW); }));
}

base::FileSlice whole_file(base::Fd fd, const fs::path& path) {
  const std::uint64_t length = base::file_size(fd.get(), path.string());
  return {.fd = std::make_shared<const base::Fd>(std::move(fd)), .offset = 0, .length = length};
}

// Which says nothing of the file that was to be opened.
bool is_want_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM;
}

}  // namespace

std::optional<base::FileSlice> BlobStore::open(const Digest& sha256) const {
  const fs::path path = path_of(sha256);
  base::Fd fd = open_blob(path);
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return std::nullopt;
    }
    throw base::system_error(errno, fmt::format("cannot open {}", path.string()));
  }
  return whole_file(std::move(fd), path);
}

bool BlobStore::file_exists(const Digest& sha256, std::uint64_t length) const {
  return regular_file_size(path_of(sha256)) == length;
}

void BlobStore::remove(const Digest& sha256) const {
  remove_file(path_of(sha256));
}

void BlobStore::link_to(const Digest& sha256, const fs::path& name) const {
  const fs::path path = fs::absolute(path_of(sha256));
  if (base::system_call_available("link") && ::link(path.c_str(), name.c_str()) == 0) {
    return;
  }
  if (::symlink(path.c_str(), name.c_str()) != 0) {
    throw base::system_error(errno, fmt::format("cannot give {} the name {}", path.string(), name.string()));
  }
}

void BlobStore::for_each_file(const std::function<void(const Digest&, std::uint64_t)>& visit) const {
  for (unsigned shard = 0; shard < 256; ++shard) {
    const std::string prefix = shard_name(shard);
    const fs::path folder = m_root / "sha256" / prefix;
    for (const std::string& name : names_in(folder)) {
      if (!Digest::is_sha256_hex(name) || !name.starts_with(prefix)) {
        continue;
      }
      if (const auto length = regular_file_size(folder / name)) {
        visit(Digest::parse_sha256_hex(name), *length);
      }
    }
  }
}

const base::Fd& BlobStore::opened_root() const {
  std::call_once(m_shared->opened, [this] { m_shared->root = base::open_directory(m_root); });
  return m_shared->root;
}

bool BlobStore::is_whole(const base::FileSlice& file, const Digest& sha256, std::uint64_t length) const {
  if (file.length != length) {
    return false;
  }
  opened_root();
  base::forget_cached(file.fd->get());
  base::FileSource source(file.fd->get(), 0, length, path_of(sha256).string());
  base::NullSink nowhere;
  base::HashingSink hashing(nowhere);
  try {
    base::copy(source, hashing);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::io) {
      throw;
    }
    return false;  // a disk that does not give its bytes: as good as none
  }
  return hashing.finish() == sha256;
}

bool BlobStore::recheck(const Digest& sha256, std::uint64_t length) const {
  const fs::path path = path_of(sha256);
  if (regular_file_size(path)) {
    base::Fd fd = open_blob(path);
    if (!fd && is_want_of_resources(errno)) {
      throw base::system_error(errno, fmt::format("cannot open {}", path.string()));
    }
    if (fd && is_whole(whole_file(std::move(fd), path), sha256, length)) {
      if (!base::syncfs_reports_errors()) {
        const std::scoped_lock lock(m_shared->mutex);
        m_shared->unsynced.push_back(sha256);
      }
      return true;
    }
  }
  remove(sha256);
  return false;
}

void BlobStore::remove_leftovers() const {
  for (const std::string& name : names_in(incoming(m_root))) {
    remove_file(incoming(m_root) / name);
  }
}

void BlobStore::sync(const Digest& sha256) const {
  const auto slice = open(sha256);
  if (!slice) {
    throw Error(ErrorCode::not_found, fmt::format("blob {} is not here any more", sha256.to_string()));
  }
  const fs::path path = path_of(sha256);
  base::sync_file(slice->fd->get(), path.string());
  for (const fs::path& folder : {path.parent_path(), m_root / "sha256", m_root, m_root.parent_path()}) {
    if (!folder.empty()) {
      base::sync_directory(folder);
    }
  }
  const std::scoped_lock lock(m_shared->mutex);
  std::erase(m_shared->unsynced, sha256);
}

void BlobStore::sync() const {
  if (!fs::exists(m_root)) {
    return;  // nothing was ever written
  }
  if (base::syncfs_reports_errors()) {
    base::sync_file_system(opened_root().get(), m_root.string());
    return;
  }
  std::vector<Digest> files;
  {
    const std::scoped_lock lock(m_shared->mutex);
    files.swap(m_shared->unsynced);
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());

  try {
    base::for_each_in_parallel(files.size(), k_syncs_in_flight, [&](std::size_t i) {
      // A blob may have been removed since; then there is nothing to keep.
      if (const auto slice = open(files[i])) {
        base::sync_file(slice->fd->get(), path_of(files[i]).string());
      }
    });
  } catch (...) {
    // Whoever catches this and tries again must not find an empty list.
    const std::scoped_lock lock(m_shared->mutex);
    m_shared->unsynced.insert(m_shared->unsynced.end(), files.begin(), files.end());
    throw;
  }
  std::optional<unsigned> last_shard;
  for (const Digest& digest : files) {  // sorted, so each folder comes once
    const unsigned shard = digest.bytes().front();
    if (shard != last_shard) {
      base::sync_directory(m_root / "sha256" / shard_name(shard));
      last_shard = shard;
    }
  }
  base::sync_directory(m_root / "sha256");
  base::sync_directory(m_root);
}

}  // namespace airlock::store
