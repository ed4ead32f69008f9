#include "workflow/backup_file.hpp"

#include <optional>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/refusal.hpp"
#include "base/text.hpp"
#include "workflow/backup_places.hpp"

namespace airlock::workflow {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::uint64_t k_most_members = 20'000'000;  // blobs of a large store

void list_blob(OpenBackup& backup, const base::TarMember& member) {
  const auto hex = std::string_view(member.name).substr(k_backup_blobs.size());
  if (!base::Digest::is_sha256_hex(hex)) {
    throw not_a_backup(backup.file, fmt::format("it has a member {}", base::printable(member.name)));
  }
  backup.blobs.push_back({base::Digest::parse_sha256_hex(hex), member.offset, member.size});
}

void check_list(OpenBackup& backup) {
  for (const auto& entry : backup.list.entries) {
    const auto found = backup.files.find(entry.member);
    if (found == backup.files.end() || found->second.size != entry.length) {
      throw not_a_backup(backup.file, fmt::format("{} is not as its list says", base::printable(entry.member)));
    }
    if (!backup.digests.emplace(entry.member, entry.sha256).second) {
      throw not_a_backup(backup.file, fmt::format("its list names {} twice", base::printable(entry.member)));
    }
  }
  if (backup.digests.size() != backup.files.size()) {
    throw not_a_backup(backup.file, "it holds files that its list does not name");
  }
  if (backup.list.blobs != backup.blobs.size()) {
    throw not_a_backup(backup.file, "it holds another number of blobs than its list says");
  }
}

}  // namespace

Error not_a_backup(const fs::path& file, std::string_view why) {
  return Error(ErrorCode::tampered, fmt::format("{} is no backup as airlock writes it: {}", file.string(), why))
      .with_hint("nothing was changed; use another copy of it");
}

OpenBackup open_backup(const fs::path& file) {
  OpenBackup backup{.file = file,
                    .fd = base::open_for_reading(file),
                    .list = {},
                    .files = {},
                    .digests = {},
                    .blobs = {},
                    .bytes = 0,
                    .list_at = {},
                    .list_sha256 = {}};
  const auto name = file.string();
  std::optional<base::TarMember> list;
  const auto end = base::list_tar(
      backup.fd.get(), base::file_size(backup.fd.get(), name), name, k_most_members,
      [&](const base::TarMember& member) {
        if (list) {
          throw not_a_backup(file, fmt::format("something follows {}", k_backup_list));
        }
        backup.bytes += member.size;
        if (member.name == k_backup_list) {
          list = member;
        } else if (member.name.starts_with(k_backup_blobs)) {
          list_blob(backup, member);
        } else if (find_backup_place(member.name) == nullptr) {
          throw not_a_backup(file, fmt::format("it has a member {}", base::printable(member.name)));
        } else if (!backup.files.emplace(member.name, member).second) {
          throw not_a_backup(file, fmt::format("it has {} twice", base::printable(member.name)));
        } else if (backup.files.size() > k_backup_file_limit) {
          throw not_a_backup(file, fmt::format("it has more than {} files", k_backup_file_limit));
        }
        return true;
      },
      base::TarModes::any);
  if (end == base::TarEnd::truncated || !list) {
    throw Error(ErrorCode::truncated, fmt::format("{} ends before its end", name))
        .with_hint("copy it again, or use another backup; nothing was changed");
  }
  if (list->size > k_backup_list_limit) {
    throw not_a_backup(file, "its list is longer than any");
  }
  base::FileSource source(backup.fd.get(), list->offset, list->size, name);
  const auto text = base::read_all(source, k_backup_list_limit);
  backup.list_at = *list;
  backup.list_sha256 = base::sha256(text);
  backup.list = base::refusing_malformed([&] { return parse_backup_list(text); });
  check_list(backup);
  return backup;
}

base::Digest digest_of_backup(const OpenBackup& backup, base::Reporter& reporter) {
  const auto name = backup.file.string();
  const auto size = base::file_size(backup.fd.get(), name);
  const auto progress = reporter.task("reading the backup", size);
  base::NullSink nothing;
  base::HashingSink whole(nothing);
  base::FunctionSink counted([&](std::span<const std::byte> data) {
    whole.write(data);
    progress->advance(data.size());
  });
  base::HashingSink list(counted);
  const auto pass = [&](base::ByteSink& sink, std::uint64_t from, std::uint64_t to) {
    base::FileSource source(backup.fd.get(), from, to - from, name);
    base::copy(source, sink);
  };
  const auto end_of_list = backup.list_at.offset + backup.list_at.size;
  pass(counted, 0, backup.list_at.offset);
  pass(list, backup.list_at.offset, end_of_list);
  pass(counted, end_of_list, size);
  if (list.finish() != backup.list_sha256) {
    throw not_a_backup(backup.file, "it changes while it is read");
  }
  return whole.finish();
}

}  // namespace airlock::workflow
