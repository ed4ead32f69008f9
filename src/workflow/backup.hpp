// A consistent copy of a home in one file, of either side, while its server and agents go on working
// (docs/operations/backup.md; the file: docs/formats/backup.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/json.hpp"
#include "base/reporter.hpp"
#include "workflow/home.hpp"
#include "workflow/remark.hpp"

namespace airlock::workflow {

struct BackupOptions {
  Home home;
  std::filesystem::path file;
  // Private keys, the server's TLS key and the key of the secrets of deployments: whoever has the file has them.
  enum class Secrets { leave_out, include } secrets = Secrets::leave_out;
  // With them no import, activation or sweep can run meanwhile.
  enum class Blobs { leave_out, include } blobs = Blobs::leave_out;
  Remark remark = {};
};

struct BackupReport {
  std::uint64_t files = 0, secrets = 0, blobs = 0;
  std::uint64_t bytes = 0;             // of the file
  base::Digest sha256;                 // of the file
  std::uint64_t unencrypted_keys = 0;  // of `secrets`, signing keys without a passphrase
  std::uint64_t secrets_left_out = 0;
  std::vector<std::string> left_out;  // files whose names a backup cannot hold
  std::string not_audited;            // why the audit log was not told; empty: it was, or there is none
};

// Throws not_found (nothing is in this home), conflict (the file exists), no_space, busy (with blobs, while something
// else changes the home), io.
BackupReport write_backup(const BackupOptions& options, const base::Clock& clock, base::Reporter& reporter);

// The last member: what the others are.
struct BackupList {
  struct Entry {
    std::string member;
    std::uint64_t length = 0;
    base::Digest sha256;
  };
  base::Time time{};
  std::string tool;
  bool with_secrets = false, with_blobs = false;
  std::uint64_t blobs = 0;  // count
  std::vector<Entry> entries;
};
inline constexpr std::string_view k_backup_list = "backup.json";
inline constexpr std::size_t k_backup_list_limit = 256u << 20;   // bytes
inline constexpr std::uint64_t k_backup_file_limit = 1'000'000;  // entries of it
std::string to_text(const BackupList& list);
// Throws malformed, unsupported.
BackupList parse_backup_list(std::string_view text);

}  // namespace airlock::workflow
