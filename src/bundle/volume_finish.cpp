// The end of writing: the last volume closed, the head in its place, all names given.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/tar.hpp"
#include "base/text.hpp"
#include "bundle/folder.hpp"
#include "bundle/output_state.hpp"

namespace airlock::bundle {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

namespace {

bool is_taken(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

[[noreturn]] void refuse_existing(const fs::path& path) {
  throw Error(ErrorCode::conflict, fmt::format("{} exists already", printable_path(path)))
      .with_hint("move it away, or write to another place; existing bundles are never overwritten");
}

bool means_unsupported(int error) {
  return error == ENOSYS || error == EINVAL || error == EPERM || error == EOPNOTSUPP || error == EACCES;
}

base::Digest hash_file(const fs::path& path) {
  const base::Fd fd = base::open_for_reading(path, base::FollowLinks::no);
  const std::string name = printable_path(path);
  base::FileSource source(fd.get(), 0, base::file_size(fd.get(), name), name);
  base::Hasher hasher;
  base::FunctionSink sink([&](std::span<const std::byte> data) { hasher.update(data); });
  base::copy(source, sink);
  return hasher.finish();
}

}  // namespace

void rename_into_place(const fs::path& from, const fs::path& to) {
  constexpr unsigned int no_replace = 1;  // RENAME_NOREPLACE
  if (syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), no_replace) == 0) {
    return;
  }
  if (errno == EEXIST) {
    refuse_existing(to);
  }
  if (!means_unsupported(errno)) {
    throw base::system_error(errno, fmt::format("cannot rename {} to {}", printable_path(from), printable_path(to)));
  }
  // Some file systems (FUSE, network shares) cannot refuse by themselves; a look before is the best that is left.
  if (is_taken(to)) {
    refuse_existing(to);
  }
  if (rename(from.c_str(), to.c_str()) != 0) {
    throw base::system_error(errno, fmt::format("cannot rename {} to {}", printable_path(from), printable_path(to)));
  }
}

void BundleOutput::Impl::close() {
  if (closed) {
    return;
  }
  if (current && !resumed) {
    throw Error(ErrorCode::internal, "the bundle ends inside a blob");
  }
  take_back();
  if (one_file()) {
    file_of(0).write_zeros(base::k_tar_end_size);
    written_bytes += base::k_tar_end_size;
  } else if (placement.volumes() > 0) {
    close_volume(placement.volumes());
  }
  closed = true;
}

void BundleOutput::Impl::turn_into_volume() {
  plan.volumes = 1;
  std::string front = volume_front(1);
  const std::uint64_t taken = front.size() + base::k_tar_block;
  if (plan.head_room < taken) {
    throw Error(ErrorCode::internal, "the room for the head is smaller than the front of a volume");
  }
  front += base::tar_header(k_room_member, plan.head_room - taken, plan.mtime);
  OutputFile& file = file_of(0);
  file.patch(0, front);
  file.sync();
  const std::uint64_t length = file.position();
  files.clear();
  records.push_back({.length = length, .sha256 = hash_file(partial_path(0))});
  rename_into_place(partial_path(0), partial_path(1));
  became_volume = true;
}

void BundleOutput::Impl::require_free_names() const {
  if (is_taken(head_path())) {
    refuse_existing(head_path());
  }
  for (std::uint64_t volume = 1; volume <= records.size(); ++volume) {
    if (is_taken(final_path(volume))) {
      refuse_existing(final_path(volume));
    }
  }
}

void BundleOutput::Impl::write_head(const std::string& bytes) {
  OutputFile file(worker, partial_path(0), FileHashing::off);
  file.write(bytes);
  file.sync();
  written_bytes += bytes.size();
}

void BundleOutput::Impl::rename_all() {
  for (std::uint64_t volume = 1; volume <= records.size(); ++volume) {
    rename_into_place(partial_path(volume), final_path(volume));
  }
  const fs::path folder = head_path().has_parent_path() ? head_path().parent_path() : fs::path(".");
  if (!records.empty()) {
    base::sync_directory(folder);  // who finds the head finds all that it names, whatever order the medium keeps
  }
  rename_into_place(partial_path(0), head_path());
  base::sync_directory(folder);
}

BundleOutput::Result
BundleOutput::Impl::finish(const std::function<std::optional<std::string>(std::optional<std::uint64_t>)>& head) {
  close();
  require_free_names();
  Result result;
  bool in_place = false;
  if (one_file()) {
    if (const auto bytes = plan.head ? plan.head : head(plan.head_room)) {
      if (bytes->size() != plan.head_room) {
        throw Error(ErrorCode::internal, "the head does not fill its room exactly");
      }
      OutputFile& file = file_of(0);
      if (plan.head) {
        file.write_front(*bytes);
        result.digests.emplace(head_path(), file.digest());
      } else {
        file.patch(0, *bytes);
      }
      file.sync();
      written_bytes += bytes->size();
      result.bytes = file.position();
      in_place = true;
    } else {
      turn_into_volume();
      require_free_names();
    }
  }
  if (!in_place) {
    const auto bytes = head(std::nullopt);
    if (!bytes) {
      throw Error(ErrorCode::internal, "a head of its own has all the room that it wants");
    }
    for (const auto& [volume, file] : files) {
      file->sync();
    }
    files.clear();
    write_head(*bytes);
    result.bytes = bytes->size();
    result.digests.emplace(head_path(), base::sha256(*bytes));
    for (const VolumeRecord& record : records) {
      result.bytes += record.length;
    }
  }
  files.clear();
  rename_all();
  result.head = head_path();
  for (std::uint64_t volume = 1; volume <= records.size(); ++volume) {
    result.volumes.push_back(final_path(volume));
    result.digests.emplace(final_path(volume), records[static_cast<std::size_t>(volume - 1)].sha256);
  }
  return result;
}

std::vector<VolumeRecord> BundleOutput::volumes() {
  m_impl->close();
  return m_impl->records;
}

BundleOutput::Result
BundleOutput::finish(const std::function<std::optional<std::string>(std::optional<std::uint64_t> room)>& head) {
  return m_impl->finish(head);
}

}  // namespace airlock::bundle
