#include "workflow/bundle_files.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <tuple>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "workflow/local_approvals.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::optional<bundle::Hint> hint_of(const fs::path& path) {
  const auto fd = base::open_for_reading(path);
  return bundle::peek_hint(fd.get(), base::file_size(fd.get(), path.string()));
}

fs::path folder_of(const fs::path& path) {
  const auto folder = path.parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

using ListedHeads = std::map<fs::path, std::vector<bundle::HeadCandidate>>;  // by folder

bundle::HeadCandidate head_of_volume(const fs::path& volume, const bundle::Hint& hint,
                                     const std::vector<fs::path>& volume_folders, ListedHeads& listed) {
  std::vector<fs::path> folders = {folder_of(volume)};
  folders.insert(folders.end(), volume_folders.begin(), volume_folders.end());
  for (const auto& folder : folders) {
    const auto [heads, is_new] = listed.try_emplace(folder);
    if (is_new) {
      heads->second = bundle::list_heads(folder);
    }
    for (const auto& head : heads->second) {
      if (head.hint.set == hint.set) {
        return head;
      }
    }
  }
  throw Error(ErrorCode::volume_missing,
              fmt::format("{} is volume {} of {} of bundle '{}' {}, but its head is not here", volume.string(),
                          hint.volume, hint.volumes, hint.channel, hint.serial))
      .with_hint(fmt::format("give the head too; it was written as {}.airlock",
                             bundle::bundle_stem(hint.channel, hint.serial, hint.shipment)));
}

std::vector<bundle::HeadCandidate> heads_in(const fs::path& folder) {
  auto heads = bundle::list_heads(folder);
  if (!heads.empty()) {
    return heads;
  }
  std::error_code error;
  for (fs::directory_iterator entries(folder, error), end; !error && entries != end; entries.increment(error)) {
    std::error_code ignored;
    if (!entries->is_regular_file(ignored)) {
      continue;
    }
    if (const auto hint = hint_of(entries->path()); hint && hint->kind == "volume") {
      throw Error(ErrorCode::volume_missing, fmt::format("{} holds volumes of bundle '{}' {}, but not its head",
                                                         folder.string(), hint->channel, hint->serial))
          .with_hint(fmt::format("the head was written as {}.airlock; give its folder too",
                                 bundle::bundle_stem(hint->channel, hint->serial, hint->shipment)));
    }
  }
  throw Error(ErrorCode::not_found, fmt::format("there is no bundle in {}", folder.string()));
}

bool holds_approvals(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entries(folder, error), end; !error && entries != end; entries.increment(error)) {
    std::error_code ignored;
    if (entries->is_regular_file(ignored) &&
        (bundle::is_approval_file(entries->path()) || is_local_approval_file(entries->path()))) {
      return true;
    }
  }
  return false;
}

}  // namespace

BundleFiles find_bundles(const std::vector<fs::path>& arguments, const std::vector<fs::path>& volume_folders) {
  BundleFiles found;
  found.folders = volume_folders;
  // Every folder that was named may hold volumes of every bundle, so a set that is spread over sticks needs no flag.
  std::vector<fs::path> searched = volume_folders;
  for (const auto& argument : arguments) {
    searched.push_back(is_folder(argument) ? argument : folder_of(argument));
  }
  found.listing = std::make_shared<bundle::ApprovalListing>();
  ListedHeads listed;
  std::vector<Error> headless;
  for (const auto& argument : arguments) {
    if (bundle::is_approval_file(argument) || is_local_approval_file(argument)) {
      found.approvals.push_back(argument);
      continue;
    }
    if (is_folder(argument)) {
      found.folders.push_back(argument);
      try {
        auto heads = heads_in(argument);
        found.heads.insert(found.heads.end(), heads.begin(), heads.end());
      } catch (const Error& error) {
        const bool full = error.code() == ErrorCode::limit;
        if (full || (error.code() != ErrorCode::volume_missing && !holds_approvals(argument))) {
          throw;
        }
        headless.push_back(error);  // its head may be in another folder
      }
      continue;
    }
    const auto hint = hint_of(argument);
    if (hint && hint->kind == "volume") {
      found.folders.push_back(folder_of(argument));
      found.heads.push_back(head_of_volume(argument, *hint, searched, listed));
    } else {
      // What is no bundle at all, Head::read says better.
      found.heads.push_back({.path = argument, .hint = hint.value_or(bundle::Hint{})});
    }
  }
  if (found.heads.empty() && !headless.empty()) {
    throw headless.front();
  }
  if (found.heads.empty() && !found.approvals.empty()) {
    throw Error(ErrorCode::not_found,
                fmt::format("{} holds approvals, and no bundle", found.approvals.front().string()))
        .with_hint("name the bundle too, or the folder in which it lies");
  }
  std::stable_sort(found.heads.begin(), found.heads.end(), [](const auto& a, const auto& b) {
    return std::tie(a.hint.channel, a.hint.serial, a.hint.shipment) <
           std::tie(b.hint.channel, b.hint.serial, b.hint.shipment);
  });
  // One head may have been named twice, by itself and by its volumes.
  const auto same_file = [](const auto& a, const auto& b) {
    std::error_code error;
    return fs::equivalent(a.path, b.path, error) && !error;
  };
  found.heads.erase(std::unique(found.heads.begin(), found.heads.end(), same_file), found.heads.end());
  bundle::refuse_many_copies(found.heads);
  std::sort(found.folders.begin(), found.folders.end());
  found.folders.erase(std::unique(found.folders.begin(), found.folders.end()), found.folders.end());
  return found;
}

std::vector<std::uint64_t> volumes_not_at_hand(const bundle::Shipment& shipment, const bundle::BlobMap& map) {
  std::set<std::uint64_t> here;
  for (const auto& volume : map.volumes()) {
    here.insert(volume.hint.volume);
  }
  std::vector<std::uint64_t> missing;
  for (std::uint64_t number = 1; number <= shipment.volumes.size(); ++number) {
    if (!here.contains(number)) {
      missing.push_back(number);
    }
  }
  return missing;
}

std::string name_volumes(const std::vector<std::uint64_t>& numbers, std::size_t total) {
  if (numbers.size() == 1) {
    return fmt::format("volume {} of {}", numbers.front(), total);
  }
  std::string text = "volumes ";
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) {
      text += i + 1 == numbers.size() ? " and " : ", ";
    }
    text += fmt::format("{}", numbers[i]);
  }
  return text + fmt::format(" of {}", total);
}

}  // namespace airlock::workflow
