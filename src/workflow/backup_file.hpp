// A backup of a home as it is read: looked through whole before anything of it counts (docs/formats/backup.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/reporter.hpp"
#include "base/tar.hpp"
#include "workflow/backup.hpp"

namespace airlock::workflow {

struct BackupBlob {
  base::Digest sha256;
  std::uint64_t offset = 0;  // in the backup
  std::uint64_t length = 0;
};

// A backup that was looked through: every name known, every length as listed. Digests are checked while it is read.
struct OpenBackup {
  std::filesystem::path file;
  base::Fd fd;
  BackupList list;
  std::map<std::string, base::TarMember> files;
  std::map<std::string, base::Digest> digests;
  std::vector<BackupBlob> blobs;
  std::uint64_t bytes = 0;  // of all contents
  base::TarMember list_at;
  base::Digest list_sha256;
};

// Throws tampered (it holds anything but what its list says, and what a backup may hold), truncated, limit,
// unsupported, not_found, io.
OpenBackup open_backup(const std::filesystem::path& file);

// Of the whole file. The list is part of what is hashed, and everything else is compared with the list while it is
// read: so whoever exchanges the bytes meanwhile gets nothing in.
base::Digest digest_of_backup(const OpenBackup& backup, base::Reporter& reporter);

// That `file` is none that airlock wrote: tampered.
base::Error not_a_backup(const std::filesystem::path& file, std::string_view why);

}  // namespace airlock::workflow
