#include "workflow/target.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/head.hpp"
#include "bundle/layout.hpp"
#include "workflow/volume_size.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::string_view k_extension = ".airlock";
// Rounding to clusters, directories, and the small files of a set to carry.
constexpr std::uint64_t k_target_margin = 2u << 20;

bool is_taken(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

}  // namespace

fs::path Target::head(const std::string& stem) const {
  return whole_set() ? folder / (stem + std::string(k_extension)) : file;
}

std::string Target::stem_of(const std::string& stem) const {
  if (whole_set()) {
    return stem;
  }
  return file.extension() == k_extension ? file.stem().string() : file.filename().string();
}

Target find_target(const std::string& output) {
  std::error_code ignored;
  if (output.empty()) {
    const fs::path bundles = fs::absolute("bundles");
    return {.folder = fs::is_directory(bundles, ignored) ? bundles : fs::current_path(), .file = {}};
  }
  const fs::path path = fs::absolute(output).lexically_normal();
  if (output.ends_with('/') || fs::is_directory(path, ignored)) {
    return {.folder = path, .file = {}};
  }
  if (const auto status = fs::status(path, ignored); fs::exists(status) && !fs::is_regular_file(status)) {
    throw Error(ErrorCode::unsupported, fmt::format("{} is neither a file nor a folder", path.string()))
        .with_hint("a bundle is written into a folder or a file of its own");
  }
  return {.folder = path.parent_path(), .file = path};
}

void require_free(const Target& target, const std::string& stem) {
  std::vector<fs::path> names = {target.head(stem), target.folder / bundle::volume_file_name(target.stem_of(stem), 1)};
  if (target.whole_set()) {
    for (const std::string_view extension : {".sha256", ".txt", ".html", ".lock"}) {
      names.push_back(target.folder / (stem + std::string(extension)));
    }
  }
  for (const fs::path& name : names) {
    if (is_taken(name)) {
      throw Error(ErrorCode::conflict, fmt::format("{} exists already", name.string()))
          .with_hint("name another place with -o, or move it away; existing files are never overwritten");
    }
  }
}

void require_no_later_bundles(const Target& target, const std::string& channel, std::uint64_t serial) {
  std::error_code ignored;
  if (!fs::is_directory(target.folder, ignored)) {
    return;
  }
  const auto heads = bundle::list_heads(target.folder);
  const auto later = std::find_if(heads.rbegin(), heads.rend(), [&](const bundle::HeadCandidate& head) {
    return head.hint.channel == channel && head.hint.serial >= serial;
  });
  if (later != heads.rend()) {
    throw Error(ErrorCode::conflict,
                fmt::format("{} holds serial {} of the channel '{}', which this home does not know of; its next "
                            "would be {}",
                            target.folder.string(), later->hint.serial, channel, serial))
        .with_hint(fmt::format("continue that channel with --continue {}, or use the --home that made it",
                               later->path.string()));
  }
}

std::optional<std::uint64_t> settle_volume_size(const base::SpaceInfo& space, std::optional<std::uint64_t> asked,
                                                base::Reporter& reporter) {
  if (space.max_file_size == UINT64_MAX) {
    return asked;
  }
  if (!asked) {
    reporter.say(fmt::format("the target is {}, where no file exceeds {}: writing volumes of that size",
                             space.file_system, base::format_bytes(space.max_file_size)));
    return std::min(space.max_file_size, k_fat32_volume);
  }
  if (*asked > space.max_file_size) {
    reporter.say(fmt::format("volumes of {} are more than {} takes: writing volumes of {}", base::format_bytes(*asked),
                             space.file_system, base::format_bytes(space.max_file_size)));
    return space.max_file_size;
  }
  return asked;
}

std::vector<fs::path> partial_files(const fs::path& head, const std::string& stem) {
  std::vector<fs::path> files;
  std::error_code ignored;
  const std::string volume_prefix = stem + ".v";
  for (const auto& entry : fs::directory_iterator(head.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (name == head.filename().string() + ".partial" ||
        (name.starts_with(volume_prefix) && name.ends_with(".tar.partial"))) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

std::uint64_t total_size(const std::vector<fs::path>& files) {
  std::uint64_t total = 0;
  for (const fs::path& file : files) {
    std::error_code error;
    const std::uint64_t size = fs::file_size(file, error);
    total += error ? 0 : size;
  }
  return total;
}

fs::path existing_parent(const fs::path& path) {
  fs::path folder = fs::absolute(path);
  std::error_code ignored;
  while (!fs::exists(folder, ignored) && folder.has_relative_path()) {
    folder = folder.parent_path();
  }
  return folder;
}

std::uint64_t require_space(const fs::path& folder, std::uint64_t needed, std::uint64_t there_already) {
  const base::SpaceInfo space = base::space_info(existing_parent(folder));
  const std::uint64_t wanted = needed + k_target_margin;
  const std::uint64_t more = wanted > there_already ? wanted - there_already : 0;
  if (more > space.free_bytes) {
    throw Error(ErrorCode::no_space, fmt::format("{} has {} free, but {} are needed: {} are missing", folder.string(),
                                                 base::format_bytes(space.free_bytes), base::format_bytes(more),
                                                 base::format_bytes(more - space.free_bytes)))
        .with_hint("free some space or name another place with -o; nothing was fetched for it yet. A delta (--base) or "
                   "volumes on several media may be smaller than one whole bundle");
  }
  return space.free_bytes - more;
}

bool may_run_short(std::uint64_t left, std::uint64_t needed) {
  constexpr std::uint64_t k_ample = std::uint64_t{16} << 30;  // bytes
  return left < std::max(k_ample, needed);
}

}  // namespace airlock::workflow
