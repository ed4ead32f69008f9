// Bundles in a folder are found by what their first member says, never by their names.
#include <sys/stat.h>

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/tar.hpp"
#include "base/text.hpp"
#include "bundle/folder.hpp"
#include "bundle/head.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

std::vector<std::filesystem::path> list_regular_files(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  const std::string name = "'" + base::printable(folder.string()) + "'";
  if (error) {
    throw Error(error == std::errc::no_such_file_or_directory ? ErrorCode::not_found : ErrorCode::io,
                fmt::format("cannot list {}: {}", name, error.message()));
  }
  std::vector<std::filesystem::path> files;
  for (; entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (error) {
      throw Error(ErrorCode::io, fmt::format("cannot list {}: {}", name, error.message()));
    }
    struct stat status {};
    if (lstat(entries->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
      continue;
    }
    if (files.size() == k_folder_limit) {
      throw Error(ErrorCode::limit, fmt::format("{} holds more than {} files", name, k_folder_limit));
    }
    files.push_back(entries->path());
  }
  std::ranges::sort(files);
  return files;
}

std::optional<Hint> peek_hint(int fd, std::uint64_t file_size) {
  std::optional<base::TarMember> first;
  try {
    base::list_tar(fd, file_size, "", 1, [&](const base::TarMember& member) {
      first = member;
      return false;
    });
    if (!first || first->name != k_hint_member || first->size > k_hint_limit ||
        first->size > file_size - first->offset) {
      return std::nullopt;
    }
    std::string text(static_cast<std::size_t>(first->size), '\0');
    base::pread_exact(fd, std::as_writable_bytes(std::span(text)), first->offset, "");
    return parse_hint(text);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::io) {
      throw;
    }
    return std::nullopt;  // whatever it is, it is no file of a bundle
  }
}

std::vector<HeadCandidate> list_heads(const std::filesystem::path& folder) {
  std::vector<HeadCandidate> heads;
  std::optional<Error> unread;
  for (const std::filesystem::path& path : list_regular_files(folder)) {
    try {
      const base::Fd fd = base::open_for_reading(path, base::FollowLinks::no);
      const auto hint = peek_hint(fd.get(), base::file_size(fd.get(), path.string()));
      if (hint && hint->kind == "head") {
        heads.push_back({.path = path, .hint = *hint});
      }
    } catch (const Error& error) {
      // A file that cannot be read is no reason not to find the others; but it may be the one that is looked for.
      if (error.code() == ErrorCode::io && !unread) {
        unread = error;
      }
    }
  }
  if (heads.empty() && unread) {
    throw Error(*unread);
  }
  std::ranges::sort(heads, {}, [](const HeadCandidate& head) {
    return std::tie(head.hint.channel, head.hint.serial, head.hint.shipment, head.path);
  });
  refuse_many_copies(heads);
  return heads;
}

void refuse_many_copies(const std::vector<HeadCandidate>& heads) {
  const auto sending = [](const HeadCandidate& head) {
    return std::tie(head.hint.channel, head.hint.serial, head.hint.shipment);
  };
  std::size_t copies = 0;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const bool again = i > 0 && sending(heads[i]) == sending(heads[i - 1]);
    copies = again ? copies + 1 : 1;
    const Hint& hint = heads[i].hint;
    if (copies > k_copies_limit && !hint.channel.empty()) {  // without a channel it is no head, which is said elsewhere
      throw Error(ErrorCode::limit,
                  fmt::format("more than {} files, such as {}, say that they are sending {} of bundle '{}' {}",
                              k_copies_limit, printable_path(heads[i].path), hint.shipment,
                              base::printable(hint.channel, 80), hint.serial))
          .with_hint("one copy is enough: name the one that is meant, or take the others away");
    }
  }
}

}  // namespace airlock::bundle
