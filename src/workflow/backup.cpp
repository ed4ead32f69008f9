#include "workflow/backup.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/sqlite_copy.hpp"
#include "base/tar.hpp"
#include "base/text.hpp"
#include "store/blob_store.hpp"
#include "store/state_db.hpp"
#include "trust/key.hpp"
#include "workflow/backup_places.hpp"
#include "workflow/target.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Json;

constexpr std::string_view k_kind = "airlock-backup";
constexpr std::uint64_t k_list_room = 1u << 20;  // bytes; a guess for the space check

class TarWriter {
 public:
  TarWriter(base::ByteSink& sink, base::Time time)
      : m_sink(&sink), m_time(static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.time_since_epoch().count()))) {}

  base::Digest add(std::string_view member, base::ByteSource& source, std::uint64_t length,
                   base::TarMode mode = base::TarMode::everybody) {
    m_sink->write(base::as_bytes(base::tar_header(member, length, m_time, mode)));
    base::HashingSink hashing(*m_sink);
    base::copy(source, hashing, length);
    if (hashing.count() != length) {
      throw Error(ErrorCode::io, fmt::format("{} became shorter while it was read", member));
    }
    m_sink->write(base::as_bytes(std::string(base::tar_padding(length), '\0')));
    return hashing.finish();
  }
  void end() { m_sink->write(base::as_bytes(std::string(base::k_tar_end_size, '\0'))); }

 private:
  base::ByteSink* m_sink;
  std::uint64_t m_time;
};

// One moment of a database, in a file that has no name by the time it is read.
base::Fd copy_of_database(const fs::path& database, const fs::path& beside) {
  const base::TempDir folder(beside, ".airlock-backup-");
  const auto copy = folder.path() / "copy.db";
  base::copy_database(database, copy);
  return base::open_for_reading(copy);
}

struct Content {
  std::vector<BackupFile> files;
  std::vector<std::pair<base::Digest, std::uint64_t>> blobs;
  std::uint64_t bytes = 0;  // about; files may still grow
};

Content look(const BackupOptions& options, BackupReport& report) {
  Content content;
  for (auto& file : find_backup_files(options.home, report.left_out)) {
    if (file.place->content == BackupContent::secret) {
      if (options.secrets == BackupOptions::Secrets::leave_out) {
        ++report.secrets_left_out;
        continue;
      }
      const bool is_key = file.member.starts_with("keys/");
      if (!is_key || trust::holds_private_key(file.path)) {  // a public key may lie beside them
        ++report.secrets;
        report.unencrypted_keys += is_key && !trust::private_key_is_encrypted(file.path) ? 1U : 0U;
      }
    }
    std::error_code ignored;
    const auto length = fs::file_size(file.path, ignored);
    content.bytes += base::tar_member_size(ignored ? 0 : length);
    content.files.push_back(std::move(file));
  }
  if (content.files.empty()) {
    throw Error(ErrorCode::not_found, fmt::format("there is nothing to back up in {}", options.home.root.string()))
        .with_hint("name another home with --home");
  }
  return content;
}

void look_at_blobs(const BackupOptions& options, Content& content) {
  std::error_code ignored;
  if (options.blobs == BackupOptions::Blobs::leave_out || !fs::exists(options.home.root / "airlock.db", ignored)) {
    return;
  }
  const store::StateDb state(options.home.root, store::StateDb::Access::read);
  state.for_each_blob([&content](const base::Digest& sha256, std::uint64_t length) {
    content.blobs.emplace_back(sha256, length);
    content.bytes += base::tar_member_size(length);
  });
}

void check_target(const fs::path& file, const fs::path& folder, std::uint64_t bytes) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(file, ignored))) {
    throw Error(ErrorCode::conflict, fmt::format("{} exists already", file.string()))
        .with_hint("a backup replaces no other; name another file");
  }
  require_space(folder, bytes, 0);
  if (const auto largest = base::space_info(folder).max_file_size; bytes > largest) {
    throw Error(ErrorCode::no_space, fmt::format("the backup takes about {}, and a file there can have {}",
                                                 base::format_bytes(bytes), base::format_bytes(largest)))
        .with_hint("write it to another file system, or leave the blobs out: the bundles bring them again");
  }
}

void write_blobs(const Content& content, const Home& home, TarWriter& tar, base::ProgressTask& progress) {
  const store::BlobStore store(home.blobs());
  for (const auto& [sha256, length] : content.blobs) {
    const auto slice = store.open(sha256);
    if (!slice || slice->length != length) {
      throw Error(ErrorCode::tampered, fmt::format("blob {} is not there, or has another length", sha256.to_string()))
          .with_hint("`airlock store check --repair` forgets damaged blobs, and the next import brings them again");
    }
    base::FileSource source(slice->fd->get(), slice->offset, slice->length, sha256.to_string());
    if (tar.add(fmt::format("{}{}", k_backup_blobs, sha256.hex()), source, length) != sha256) {
      throw Error(ErrorCode::tampered, fmt::format("blob {} has other content than its digest", sha256.to_string()))
          .with_hint("`airlock store check --repair` forgets damaged blobs, and the next import brings them again");
    }
    progress.advance(length);
  }
}

// An entry for the log of a home that has one; else why not. Neither a long import nor a full disk must keep a backup
// from being taken.
std::string tell_audit(const BackupOptions& options, const BackupReport& report, base::Time now) {
  std::error_code ignored;
  if (!fs::exists(options.home.root / "airlock.db", ignored)) {
    return {};
  }
  try {
    store::StateDb state(options.home.root, store::StateDb::Access::change);
    Json detail = {
        {"sha256", report.sha256.hex()}, {"bytes", report.bytes}, {"secrets", report.secrets}, {"blobs", report.blobs}};
    options.remark.add_to(detail);
    auto change = state.change();
    state.audit(now, "backup", audit_text(detail));
    change.commit();
    return {};
  } catch (const Error& error) {
    return error.message();
  }
}

}  // namespace

std::string to_text(const BackupList& list) {
  Json files = Json::array();
  for (const auto& entry : list.entries) {
    files.push_back({{"name", entry.member}, {"length", entry.length}, {"sha256", entry.sha256.hex()}});
  }
  return Json{{"format", 1},
              {"kind", k_kind},
              {"time", base::to_rfc3339(list.time)},
              {"tool", list.tool},
              {"secrets", list.with_secrets},
              {"blobs", list.with_blobs ? Json(list.blobs) : Json()},
              {"files", std::move(files)}}
             .dump(1) +
         "\n";
}

BackupList parse_backup_list(std::string_view text) {
  const Json json = base::parse_json(
      text, k_backup_list, {.bytes = k_backup_list_limit, .values = 5 * k_backup_file_limit}, base::Numbers::integers);
  if (base::string_member(json, "kind", k_backup_list) != k_kind) {
    throw Error(ErrorCode::malformed, fmt::format("{} is not of a backup", k_backup_list));
  }
  if (base::uint_member(json, "format", k_backup_list) != 1) {
    throw Error(ErrorCode::unsupported, "the backup was written by a newer airlock")
        .with_hint("restore it with that version or a later one");
  }
  BackupList list;
  list.time = base::parse_rfc3339(base::string_member(json, "time", k_backup_list));
  list.tool = base::string_member(json, "tool", k_backup_list);
  list.with_secrets = base::member(json, "secrets", k_backup_list) == true;
  list.with_blobs = !base::member(json, "blobs", k_backup_list).is_null();
  list.blobs = list.with_blobs ? base::uint_member(json, "blobs", k_backup_list) : 0;
  const Json& files = base::member(json, "files", k_backup_list);
  if (!files.is_array()) {
    throw Error(ErrorCode::malformed, fmt::format("'files' of {} is no list", k_backup_list));
  }
  for (const auto& file : files) {
    const auto hex = base::string_member(file, "sha256", k_backup_list);
    if (!base::Digest::is_sha256_hex(hex)) {
      throw Error(ErrorCode::malformed, fmt::format("{} lists something that is no digest", k_backup_list));
    }
    list.entries.push_back({base::string_member(file, "name", k_backup_list),
                            base::uint_member(file, "length", k_backup_list), base::Digest::parse_sha256_hex(hex)});
  }
  return list;
}

BackupReport write_backup(const BackupOptions& options, const base::Clock& clock, base::Reporter& reporter) {
  BackupReport report;
  const auto file = fs::absolute(options.file);
  const auto folder = file.parent_path();
  const auto now = clock.now();
  auto content = look(options, report);
  std::optional<base::FileLock> lock;  // a sweep would take the blobs away that are still to be copied
  if (options.blobs == BackupOptions::Blobs::include) {
    lock.emplace(options.home.root / "lock");
  }
  look_at_blobs(options, content);
  if (options.secrets == BackupOptions::Secrets::include && !fs::is_directory(folder)) {
    throw Error(ErrorCode::not_found, fmt::format("the folder {} is not there", folder.string()))
        .with_hint(
            "private keys go to no folder that a slip of the fingers made: mount the medium, or make the folder");
  }
  base::make_directories(folder);
  check_target(file, folder, content.bytes + k_list_room);

  base::UnnamedFile output(folder, 0600);
  base::HashingSink hashing(output);
  TarWriter tar(hashing, now);
  BackupList list{.time = now,
                  .tool = "airlock " AIRLOCK_VERSION,
                  .with_secrets = options.secrets == BackupOptions::Secrets::include,
                  .with_blobs = options.blobs == BackupOptions::Blobs::include,
                  .blobs = content.blobs.size(),
                  .entries = {}};
  const auto progress = reporter.task("writing the backup", content.bytes);
  for (const auto& each : content.files) {
    const auto fd = each.place->content == BackupContent::database
                        ? copy_of_database(each.path, folder)
                        : base::open_for_reading(each.path, base::FollowLinks::no);
    const auto length = base::file_size(fd.get(), each.path.string());
    base::FileSource source(fd.get(), 0, length, each.path.string());
    // As `tar` unpacks them too.
    const bool secret = each.place->content == BackupContent::secret;
    const auto mode = secret ? base::TarMode::owner : base::TarMode::everybody;
    list.entries.push_back({each.member, length, tar.add(each.member, source, length, mode)});
    progress->advance(length);
  }
  write_blobs(content, options.home, tar, *progress);
  const auto text = to_text(list);
  base::StringSource source(text);
  tar.add(k_backup_list, source, text.size());
  tar.end();
  base::sync_file(output.fd(), file.string());
  check_target(file, folder, 0);
  output.publish(file);
  base::sync_directory(folder);

  lock.reset();
  report.files = list.entries.size();
  report.blobs = content.blobs.size();
  report.bytes = hashing.count();
  report.sha256 = hashing.finish();
  report.not_audited = tell_audit(options, report, now);
  return report;
}

}  // namespace airlock::workflow
