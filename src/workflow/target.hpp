// Where a bundle is written: names, room, and what must not be in the way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/reporter.hpp"

namespace airlock::workflow {

struct Target {
  std::filesystem::path folder;  // absolute
  std::filesystem::path file;    // `-o FILE`, absolute; empty: the whole set to carry, named after channel and serial

  bool whole_set() const { return file.empty(); }
  std::filesystem::path head(const std::string& stem) const;  // where the head, or the whole bundle, goes
  // What volumes are called after: the file's name without ".airlock", or `stem`.
  std::string stem_of(const std::string& stem) const;
};

// `output` as given with -o; empty: bundles/ where that exists, else the working directory. Makes nothing.
Target find_target(const std::string& output);

// Files that only this run may write; throws conflict when one of them is there.
void require_free(const Target& target, const std::string& stem);
// Throws conflict when the folder holds bundles of the channel with `serial` or a later one: another home made them.
void require_no_later_bundles(const Target& target, const std::string& channel, std::uint64_t serial);

// The size of volumes on that file system, for what was asked: a FAT target gets k_fat32_volume, and volumes are never
// larger than a file can be there; either with a note.
std::optional<std::uint64_t> settle_volume_size(const base::SpaceInfo& space, std::optional<std::uint64_t> asked,
                                                base::Reporter& reporter);

// The partial files of an interrupted run.
std::vector<std::filesystem::path> partial_files(const std::filesystem::path& head, const std::string& stem);
std::uint64_t total_size(const std::vector<std::filesystem::path>& files);  // bytes; what went away counts nothing

// The nearest folder that exists, to ask about its file system.
std::filesystem::path existing_parent(const std::filesystem::path& path);

// Bytes that stay free there. Throws no_space, saying how much is needed, free and missing.
std::uint64_t require_space(const std::filesystem::path& folder, std::uint64_t needed, std::uint64_t there_already);
// Whether files whose size nobody knows may not fit beside `needed` bytes, where `left` stay free: less is left than
// 16 GiB, or than what is known takes.
bool may_run_short(std::uint64_t left, std::uint64_t needed);

}  // namespace airlock::workflow
