#include "store/state_db.hpp"

#include <array>
#include <string>

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/sqlite_copy.hpp"
#include "store/catalog_files.hpp"
#include "store/row_columns.hpp"
#include "store/state_db_impl.hpp"

namespace airlock::store {

namespace fs = std::filesystem;
using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

// Steps of the schema; a step that was released never changes (docs/formats/catalog-database.md).
const std::string k_step_1 = fmt::format(
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE channels (id INTEGER PRIMARY KEY, producer TEXT NOT NULL, channel TEXT NOT NULL, "
    "  last_serial INTEGER, UNIQUE (producer, channel));"
    "CREATE TABLE roots (channel INTEGER NOT NULL REFERENCES channels, version INTEGER NOT NULL, "
    "  bytes BLOB NOT NULL, PRIMARY KEY (channel, version));"
    "CREATE TABLE roles (channel INTEGER NOT NULL REFERENCES channels, role TEXT NOT NULL, "
    "  bytes BLOB NOT NULL, PRIMARY KEY (channel, role));"
    "CREATE TABLE blobs (sha256 BLOB PRIMARY KEY, length INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE generations (id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "  channel INTEGER NOT NULL REFERENCES channels, serial INTEGER NOT NULL, bundle_id TEXT NOT NULL, "
    "  created INTEGER NOT NULL, imported INTEGER NOT NULL, active INTEGER NOT NULL, head_digest TEXT NOT NULL, "
    "  artifacts INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX one_active ON generations (channel) WHERE active=1;"
    "CREATE TABLE files (generation INTEGER NOT NULL REFERENCES generations, {}, "
    "  PRIMARY KEY (generation, ecosystem, path)) WITHOUT ROWID;"
    "CREATE TABLE aliases (other TEXT PRIMARY KEY, sha256 BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE audit (number INTEGER PRIMARY KEY, time INTEGER NOT NULL, action TEXT NOT NULL, "
    "  user TEXT NOT NULL, detail TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL);",
    k_row_definition);

constexpr std::string_view k_step_2 =
    "CREATE TABLE revoked (channel INTEGER NOT NULL REFERENCES channels, item TEXT NOT NULL, reason TEXT NOT NULL, "
    "  since INTEGER NOT NULL, PRIMARY KEY (channel, item)) WITHOUT ROWID;"
    "CREATE TABLE blocks (item TEXT PRIMARY KEY, reason TEXT NOT NULL, ticket TEXT NOT NULL, user TEXT NOT NULL, "
    "  since INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE blocked_blobs (item TEXT NOT NULL, sha256 BLOB NOT NULL, PRIMARY KEY (item, sha256)) WITHOUT ROWID;";

// A root holds for all channels of its producer: whom one of them revoked, no other may trust again. What a site
// withholds of a channel it withholds until it releases it.
constexpr std::string_view k_step_3 =
    "CREATE TABLE producer_roots (producer TEXT NOT NULL, version INTEGER NOT NULL, bytes BLOB NOT NULL, "
    "  PRIMARY KEY (producer, version)) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO producer_roots (producer, version, bytes) "
    "  SELECT producer, version, bytes FROM roots JOIN channels ON channels.id = roots.channel;"
    "DROP TABLE roots;"
    // What a site withholds was told by the rows of a channel's newest generation, and lost where that lacked it.
    "CREATE TABLE withheld (channel INTEGER NOT NULL REFERENCES channels, sha256 BLOB NOT NULL, "
    "  since INTEGER NOT NULL, PRIMARY KEY (channel, sha256)) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO withheld (channel, sha256, since) "
    "  SELECT g.channel, f.sha256, g.imported FROM generations g JOIN files f ON f.generation = g.id "
    "  WHERE f.kind='withheld' AND f.sha256 IS NOT NULL "
    "  AND g.id = (SELECT max(n.id) FROM generations n WHERE n.channel = g.channel);"
    // When a generation was served last, as a number that rises with each activation. Of those before, what is older
    // than the active one is taken to have been served, in its order.
    "ALTER TABLE generations ADD COLUMN last_active INTEGER NOT NULL DEFAULT 0;"
    "UPDATE generations SET last_active = id "
    "  WHERE id <= (SELECT a.id FROM generations a WHERE a.channel = generations.channel AND a.active = 1);"
    // What ever arrived, also after its generation was swept away.
    "CREATE TABLE imported (channel INTEGER NOT NULL REFERENCES channels, serial INTEGER NOT NULL, "
    "  PRIMARY KEY (channel, serial)) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO imported (channel, serial) SELECT channel, serial FROM generations;"
    "INSERT OR IGNORE INTO imported (channel, serial) "
    "  SELECT c.id, json_extract(a.json, '$.serial') FROM "
    "  (SELECT CASE WHEN json_valid(detail) THEN detail ELSE '{}' END AS json FROM audit WHERE action = 'import') a "
    "  JOIN channels c "
    "  ON c.producer = json_extract(a.json, '$.producer') AND c.channel = json_extract(a.json, '$.channel') "
    "  WHERE json_type(a.json, '$.serial') = 'integer';";

std::array<std::string_view, 3> schema_steps() {
  return {k_step_1, k_step_2, k_step_3};
}

constexpr std::string_view k_proof_prefix = ".airlock-proof-";

fs::path database_path(const fs::path& home) {
  return home / "airlock.db";
}

base::DatabaseMode mode_for(const fs::path& home, StateDb::Access access) {
  if (access == StateDb::Access::change) {
    return base::DatabaseMode::read_write;
  }
  if (!fs::exists(database_path(home))) {
    throw Error(ErrorCode::not_found, fmt::format("nothing was imported into {} yet", home.string()))
        .with_hint("name another home with --home, or import a bundle first");
  }
  return base::DatabaseMode::read_only;
}

// Everything that was committed is in the database itself, and nothing in the log beside it.
bool log_is_empty(const fs::path& home) {
  std::error_code absent;
  const auto size = fs::file_size(database_path(home).native() + "-wal", absent);
  return absent || size == 0;
}

// On a full disk there is no room even for the few pages that processes share. A sweep, and whoever looks what is here,
// must get in all the same.
base::Database open_database(const fs::path& home, StateDb::Access access) {
  const base::DatabaseMode mode = mode_for(home, access);
  try {
    return {database_path(home), mode};
  } catch (const Error& error) {
    const bool may_be_room = error.code() == ErrorCode::io || error.code() == ErrorCode::no_space;
    if (!may_be_room || (access == StateDb::Access::read && !log_is_empty(home))) {
      throw;
    }
  }
  return {database_path(home),
          access == StateDb::Access::read ? base::DatabaseMode::immutable : base::DatabaseMode::alone};
}

std::optional<base::FileLock> lock_for(const fs::path& home, StateDb::Access access) {
  if (access == StateDb::Access::read) {
    return std::nullopt;
  }
  base::make_directories(home, 0700);
  std::optional<base::FileLock> lock(std::in_place, home / "lock");
  base::remove_leftovers(home);
  base::remove_leftovers(catalog_folder(home));
  base::TempDir::remove_leftovers(home, k_proof_prefix);  // nobody else has one while this process holds the lock
  return lock;
}

}  // namespace

StateDb::Impl::Impl(const fs::path& folder, Access access)
    : home(folder), lock(lock_for(folder, access)), database(open_database(folder, access)) {
  const auto steps = schema_steps();
  if (access == Access::change) {
    database.migrate(steps);
    step = static_cast<std::int64_t>(steps.size());
    return;
  }
  base::Statement version = database.prepare("PRAGMA user_version");
  version.step();
  step = version.number(0);
  if (step > static_cast<std::int64_t>(steps.size())) {
    throw Error(ErrorCode::unsupported, fmt::format("{} was written by a newer airlock", database_path(home).string()))
        .with_hint("use that version, or restore a backup made by this one");
  }
  if (step == 0) {
    throw Error(ErrorCode::not_found, fmt::format("nothing was imported into {} yet", home.string()))
        .with_hint("name another home with --home, or import a bundle first");
  }
}

base::Statement& StateDb::Impl::cached(std::string_view sql) {
  auto found = statements.find(sql);
  if (found == statements.end()) {
    found = statements.emplace(std::string(sql), std::make_unique<base::Statement>(database.prepare(sql))).first;
  }
  return *found->second;
}

std::optional<std::string> StateDb::Impl::setting(std::string_view key) {
  base::RunningStatement query(cached("SELECT value FROM settings WHERE key=?"));
  query->bind(1, key);
  if (!query->step()) {
    return std::nullopt;
  }
  return query->text(0);
}

void StateDb::Impl::set_setting(std::string_view key, std::string_view value) {
  cached("REPLACE INTO settings (key, value) VALUES (?,?)").bind(1, key).bind(2, value).run();
}

void StateDb::Impl::remove_setting(std::string_view key) {
  cached("DELETE FROM settings WHERE key=?").bind(1, key).run();
}

void require_state_db(const fs::path& file) {
  const auto steps = schema_steps();
  base::require_schema(base::Database(file, base::DatabaseMode::immutable), steps);
}

StateDb::StateDb(const fs::path& home, Access access) : m_impl(std::make_unique<Impl>(home, access)) {}
StateDb::~StateDb() = default;

base::Transaction StateDb::change() {
  return base::Transaction(m_impl->database);
}

base::TempDir StateDb::proof_folder() const {
  if (!m_impl->lock) {
    throw Error(ErrorCode::internal, "a folder for proofs belongs to whoever holds the lock");
  }
  return base::TempDir(m_impl->home, k_proof_prefix);
}

bool StateDb::has_blob(const Digest& sha256) const {
  return blob_length(sha256).has_value();
}

std::optional<std::uint64_t> StateDb::blob_length(const Digest& sha256) const {
  base::RunningStatement query(m_impl->cached("SELECT length FROM blobs WHERE sha256=?"));
  bind_digest(*query, 1, sha256);
  if (!query->step()) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(query->number(0));
}

void StateDb::add_blob(const Digest& sha256, std::uint64_t length) {
  base::Statement& insert = m_impl->cached("INSERT OR IGNORE INTO blobs (sha256, length) VALUES (?,?)");
  bind_digest(insert, 1, sha256);
  insert.bind(2, to_integer(length)).run();
}

void StateDb::remove_blob(const Digest& sha256) {
  base::Statement& remove = m_impl->cached("DELETE FROM blobs WHERE sha256=?");
  bind_digest(remove, 1, sha256);
  remove.run();
}

StateDb::BlobTotals StateDb::blob_totals() const {
  base::RunningStatement query(m_impl->cached("SELECT count(*), coalesce(sum(length), 0) FROM blobs"));
  query->step();
  return {static_cast<std::uint64_t>(query->number(0)), static_cast<std::uint64_t>(query->number(1))};
}

void StateDb::for_each_blob(const std::function<void(const Digest&, std::uint64_t)>& visit) const {
  base::Statement query = m_impl->database.prepare("SELECT sha256, length FROM blobs ORDER BY sha256");
  while (query.step()) {
    visit(read_digest(query, 0), static_cast<std::uint64_t>(query.number(1)));
  }
}

void StateDb::add_alias(const Digest& other, const Digest& sha256) {
  base::Statement& insert = m_impl->cached("REPLACE INTO aliases (other, sha256) VALUES (?,?)");
  insert.bind(1, std::string_view(other.to_string()));
  bind_digest(insert, 2, sha256);
  insert.run();
}

void StateDb::remove_aliases() {
  m_impl->database.execute("DELETE FROM aliases");
}

void StateDb::for_each_alias(const std::function<void(const Digest&, const Digest&)>& visit) const {
  base::Statement query = m_impl->database.prepare("SELECT other, sha256 FROM aliases ORDER BY other");
  while (query.step()) {
    visit(Digest::parse(query.text(0)), read_digest(query, 1));
  }
}

}  // namespace airlock::store
