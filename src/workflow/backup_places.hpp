// What a backup of a home may hold: a fixed list of places (docs/formats/backup.md). A name in a backup is looked up
// here and never becomes a path otherwise.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workflow/home.hpp"

namespace airlock::workflow {

enum class BackupContent {
  file,
  secret,    // opens something by itself; only where the user asks for it
  database,  // SQLite, copied as one moment of it
};

struct BackupPlace {
  std::string_view pattern;  // "receipts/*.json"; `*` stands for letters, digits, '.', '_' and '-' within one part
  BackupContent content = BackupContent::file;
  mode_t mode = 0644;
};
std::span<const BackupPlace> backup_places();
// nullptr: nothing of that name belongs into a backup.
const BackupPlace* find_backup_place(std::string_view member);

// Members below "config/" are of the configuration folder; all others lie in the home under the same name.
inline constexpr std::string_view k_backup_config = "config/";
// Blobs, "blobs/sha256/<hex>", are known by their digest and stand in no list.
inline constexpr std::string_view k_backup_blobs = "blobs/sha256/";

struct BackupFile {
  std::string member;
  std::filesystem::path path;
  const BackupPlace* place = nullptr;
};
// What is there, by member name. Links and everything else that is no regular file are passed over. `left_out` gets the
// names of files that lie where a backup looks, and cannot be named in it.
std::vector<BackupFile> find_backup_files(const Home& home, std::vector<std::string>& left_out);

// What may lie directly in a home and belongs to its state, blobs aside: what a restore brings, and what it puts aside.
std::vector<std::string> home_entries(const Home& home);

}  // namespace airlock::workflow
