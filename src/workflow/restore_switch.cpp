#include "workflow/restore_switch.hpp"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "workflow/backup_places.hpp"
#include "workflow/restore.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::size_t k_ready_limit = 4096;             // bytes
constexpr std::size_t k_config_file_limit = 16u << 20;  // bytes

bool is_placed(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

void move(const fs::path& from, const fs::path& to) {
  std::error_code failure;
  fs::rename(from, to, failure);
  if (failure) {
    throw base::system_error(failure.value(), fmt::format("cannot move {} to {}", from.string(), to.string()));
  }
}

struct Plan {
  std::string aside;             // a folder in the home
  std::vector<std::string> old;  // entries that go there
};

Plan read_plan(const Home& home, const RestoreStaging& staging) {
  const auto name = staging.ready().string();
  const auto json = base::parse_json(base::read_file(staging.ready(), k_ready_limit), name);
  Plan plan{.aside = base::string_member(json, "aside", name), .old = {}};
  const auto known = home_entries(home);
  for (const auto& entry : base::member(json, "old", name)) {
    if (!entry.is_string() || std::ranges::find(known, entry.get<std::string>()) == known.end()) {
      throw Error(ErrorCode::malformed, fmt::format("{} names something that is not of a home", name));
    }
    plan.old.push_back(entry.get<std::string>());
  }
  if (plan.aside.empty() || plan.aside.front() == '.' || plan.aside.find('/') != std::string::npos) {
    throw Error(ErrorCode::malformed, fmt::format("{} names no folder", name));
  }
  return plan;
}

// Files of a configuration folder of its own are an administrator's: they are added, and none is replaced.
std::vector<std::string> place_config(const Home& home, const RestoreStaging& staging) {
  std::vector<std::string> kept;
  if (!is_placed(staging.config())) {
    return kept;
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(staging.config())) {
    if (entry.is_regular_file()) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    const auto target = home.config / file.lexically_relative(staging.config());
    const auto content = base::read_file(file, k_config_file_limit);
    if (is_placed(target)) {
      if (base::read_file_if_exists(target, k_config_file_limit) != content) {
        kept.push_back(target.string());
      }
      continue;
    }
    base::make_directories(target.parent_path());
    base::write_file_atomic(target, content, 0644);
  }
  return kept;
}

}  // namespace

std::vector<std::string> present_entries(const Home& home) {
  std::vector<std::string> present;
  for (const auto& entry : home_entries(home)) {
    if (is_placed(home.root / entry)) {
      present.push_back(entry);
    }
  }
  return present;
}

void commit_restore(const Home& home, const std::string& aside) {
  const RestoreStaging staging(home);
  // Moved once it is safe, so everything that it will name must be on the medium before it.
  const auto folder = base::open_directory(staging.folder);
  base::sync_file_system(folder.get(), staging.folder.string());
  const base::Json plan = {{"format", 1}, {"aside", aside}, {"old", present_entries(home)}};
  base::write_file_atomic(staging.ready(), plan.dump() + "\n", 0600);
}

std::vector<std::string> finish_restore(const Home& home, const std::function<void(std::string_view)>& at_step) {
  const RestoreStaging staging(home);
  const auto plan = read_plan(home, staging);
  const auto aside = home.root / plan.aside;
  const auto step = [&at_step] {
    if (at_step) {
      at_step("moved");
    }
  };
  for (const auto& entry : plan.old) {
    // One that lies aside already was moved by an earlier run; what stands in its place since then is the new one.
    if (is_placed(home.root / entry) && !is_placed(aside / entry)) {
      base::make_directories(aside, 0700);
      move(home.root / entry, aside / entry);
      step();
    }
  }
  if (is_placed(aside)) {
    base::sync_directory(aside);
  }
  for (const auto& entry : home_entries(home)) {
    if (is_placed(staging.root() / entry)) {
      move(staging.root() / entry, home.root / entry);
      step();
    }
  }
  auto kept = place_config(home, staging);
  base::sync_directory(home.root);
  fs::remove(staging.ready());
  base::sync_directory(staging.folder);
  fs::remove_all(staging.folder);
  return kept;
}

bool restore_is_unfinished(const fs::path& home) {
  return is_placed(RestoreStaging({home, home}).ready());
}

}  // namespace airlock::workflow
