#include "workflow/restore.hpp"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/lock_holder.hpp"
#include "base/text.hpp"
#include "workflow/backup_file.hpp"
#include "workflow/backup_places.hpp"
#include "workflow/restore_state.hpp"
#include "workflow/restore_switch.hpp"
#include "workflow/target.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

// Its digest was right, so that what is no database was made so.
template <typename Check>
void prove_database(const OpenBackup& backup, const std::string& member, const Check& check) {
  try {
    check();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::malformed) {
      throw;
    }
    throw not_a_backup(backup.file, fmt::format("{} in it is no database: {}", member, error.message()));
  }
}

void require_written_down(const OpenBackup& backup, const base::Digest& seen,
                          const std::optional<base::Digest>& wanted) {
  if (wanted && *wanted != seen) {
    throw Error(ErrorCode::tampered,
                fmt::format("{} is another file than the one that was written down: its SHA-256 is "
                            "{}",
                            backup.file.string(), base::group_digits(seen.hex())))
        .with_hint("nothing was changed; look for the right file, and find out who could write to where this one lay");
  }
}

// Where a member is made; only a name of the fixed list comes here.
fs::path staged_path(const Home& home, const RestoreStaging& staging, const std::string& member) {
  if (!member.starts_with(k_backup_config)) {
    return staging.root() / member;
  }
  const auto name = member.substr(k_backup_config.size());
  return (home.config == home.root ? staging.root() : staging.config()) / name;
}

void extract(const OpenBackup& backup, const std::string& member, const fs::path& target, mode_t mode) {
  const auto& place = backup.files.at(member);
  base::make_directories(target.parent_path(), 0700);
  base::UnnamedFile output(target.parent_path(), mode);
  base::HashingSink hashing(output);
  base::FileSource source(backup.fd.get(), place.offset, place.size, backup.file.string());
  base::copy(source, hashing);
  if (hashing.finish() != backup.digests.at(member)) {
    throw Error(ErrorCode::tampered,
                fmt::format("{} in {} was changed: its digest is another", member, backup.file.string()))
        .with_hint("nothing was restored; use another copy of the backup");
  }
  output.publish(target);
}

std::uint64_t stage_files(const OpenBackup& backup, const RestoreOptions& options, const RestoreStaging& staging) {
  std::uint64_t secrets = 0;
  for (const auto& [member, place] : backup.files) {
    const auto* kind = find_backup_place(member);
    const auto target = staged_path(options.home, staging, member);
    extract(backup, member, target, kind->mode);
    secrets += kind->content == BackupContent::secret ? 1u : 0u;
    if (kind->content == BackupContent::database) {
      prove_database(backup, member, [&, &name = member] {
        if (name == "airlock.db") {
          store::require_state_db(target);
        } else if (options.check_database) {
          options.check_database(name, target);
        }
      });
    }
  }
  return secrets;
}

// Of a second backup only what opens something, and only what the first does not bring itself.
std::uint64_t stage_secrets(const RestoreOptions& options, const RestoreStaging& staging, RestoreReport& report,
                            base::Reporter& reporter) {
  if (!options.secrets_from) {
    return 0;
  }
  const auto backup = open_backup(*options.secrets_from);
  report.secrets_sha256 = digest_of_backup(backup, reporter);
  std::uint64_t secrets = 0;
  for (const auto& [member, place] : backup.files) {
    const auto* kind = find_backup_place(member);
    const auto target = staged_path(options.home, staging, member);
    std::error_code ignored;
    if (kind->content == BackupContent::secret && !fs::exists(target, ignored)) {
      extract(backup, member, target, kind->mode);
      ++secrets;
    }
  }
  if (secrets == 0) {
    throw Error(ErrorCode::usage, fmt::format("{} holds no secrets", options.secrets_from->string()))
        .with_hint("a backup holds them only when it was made with --keys");
  }
  return secrets;
}

void refuse_present(const RestoreOptions& options) {
  const auto present = present_entries(options.home);
  if (!present.empty() && options.present == RestoreOptions::Present::refuse) {
    throw Error(ErrorCode::conflict,
                fmt::format("{} is in use: it has {}", options.home.root.string(), base::join(present, ", ")))
        .with_hint("restore into another --home, or put aside what is there with --replace; blobs stay either way");
  }
}

// A server would go on writing into what is put aside.
std::optional<base::FileLock> hold_off_server(const Home& home) {
  const auto lock = home.root / "control" / "lock";
  std::error_code ignored;
  if (!fs::exists(lock, ignored)) {
    return std::nullopt;
  }
  try {
    return base::lock_past_askers(lock);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::busy) {
      throw;
    }
    throw Error(ErrorCode::busy, fmt::format("`airlock serve` runs on {}", home.root.string()))
        .with_hint("stop it, and run the same command again");
  }
}

std::string aside_name(base::Time now) {
  std::string digits;
  for (const char c : base::to_rfc3339(now)) {
    if (c != '-' && c != ':') {
      digits.push_back(c);
    }
  }
  return "before-restore-" + digits;
}

std::string free_aside_name(const Home& home, base::Time now) {
  const auto first = aside_name(now);
  auto name = first;
  std::error_code ignored;
  for (int number = 2; fs::exists(home.root / name, ignored); ++number) {
    name = fmt::format("{}-{}", first, number);
  }
  return name;
}

}  // namespace

RestoreReport restore_home(const RestoreOptions& options, const base::Clock& clock, base::Reporter& reporter) {
  const auto step = [&options](std::string_view name) {
    if (options.at_step) {
      options.at_step(name);
    }
  };
  RestoreReport report;
  const RestoreStaging staging(options.home);
  if (restore_is_unfinished(options.home.root)) {
    const base::FileLock lock(options.home.root / "lock");
    reporter.say("an earlier restore was interrupted when all was ready; finishing that one");
    report.finished_earlier = true;
    report.kept = finish_restore(options.home, options.at_step);
    return report;
  }
  const auto backup = open_backup(options.file);
  report.sha256 = digest_of_backup(backup, reporter);
  require_written_down(backup, report.sha256, options.sha256);
  std::vector<Receipt> receipts;
  receipts.reserve(options.receipts.size());
  for (const auto& file : options.receipts) {
    receipts.push_back(read_receipt(file));
  }
  refuse_present(options);
  require_space(existing_parent(options.home.root), backup.bytes, 0);
  base::make_directories(options.home.root, 0700);
  const base::FileLock lock(options.home.root / "lock");
  if (restore_is_unfinished(options.home.root)) {  // since it was asked, another has come this far
    throw Error(ErrorCode::busy, fmt::format("another restore into {} was at work", options.home.root.string()))
        .with_hint("run this again: it finishes what that one began, or begins anew");
  }
  const auto server = hold_off_server(options.home);
  fs::remove_all(staging.folder);  // of a run that ended before it was ready
  base::make_directories(staging.root(), 0700);
  try {
    report.backup = backup.list.time;
    report.files = backup.files.size();
    report.secrets = stage_files(backup, options, staging);
    report.secrets += stage_secrets(options, staging, report, reporter);
    report.commands = brought_commands(
        {staging.root(), options.home.config == options.home.root ? staging.root() : staging.config()}, options.home);
    if (options.confirm) {
      options.confirm(report.commands, report.sha256);
    }
    const auto now = clock.now();
    RestoredState state{.options = options,
                        .receipts = receipts,
                        .staging = staging,
                        .backup = backup.list,
                        .fd = backup.fd.get(),
                        .blobs = backup.blobs,
                        .aside = present_entries(options.home).empty() ? "" : free_aside_name(options.home, now),
                        .now = now,
                        .reporter = reporter};
    settle_near_side(state, report);
    settle_far_side(state, report);
    report.put_aside = state.aside;
    step("staged");
    commit_restore(options.home, state.aside.empty() ? aside_name(now) : state.aside);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(staging.folder, ignored);
    throw;
  }
  step("ready");
  report.kept = finish_restore(options.home, options.at_step);
  step("done");
  return report;
}

}  // namespace airlock::workflow
