#include "base/sqlite.hpp"

#include <sqlite3.h>

#include <fmt/format.h>

#include <chrono>
#include <limits>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

namespace airlock::base {

namespace {

constexpr std::chrono::milliseconds k_busy_timeout{10'000};
constexpr std::chrono::milliseconds k_between_tries{5};

ErrorCode code_of(int result) {
  switch (result & 0xFF) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return ErrorCode::busy;
  case SQLITE_FULL:
    return ErrorCode::no_space;
  case SQLITE_NOTADB:
  case SQLITE_CORRUPT:
    return ErrorCode::malformed;
  case SQLITE_MISUSE:
  case SQLITE_RANGE:
    return ErrorCode::internal;
  default:
    return ErrorCode::io;
  }
}

std::string name_of(sqlite3* database) {
  const char* const name = sqlite3_db_filename(database, "main");
  return name == nullptr || *name == '\0' ? "in memory" : "'" + printable(name) + "'";
}

[[noreturn]] void fail(sqlite3* database, int result, std::string_view doing) {
  throw Error(code_of(result), fmt::format("cannot {} the database {}: {}", doing, name_of(database),
                                           printable(sqlite3_errmsg(database))));
}

void check(sqlite3* database, int result, std::string_view doing) {
  if (result != SQLITE_OK) {
    fail(database, result, doing);
  }
}

int bounded(std::size_t size) {
  if (size > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw Error(ErrorCode::limit, "a value is too large for the database");
  }
  return static_cast<int>(size);
}

int open_flags(DatabaseMode mode) {
  // Each connection is used by one thread at a time; SQLite's own mutex would guard nothing more.
  const int common = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (mode) {
  case DatabaseMode::read_write:
  case DatabaseMode::alone:
  case DatabaseMode::bulk:
    return common | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  case DatabaseMode::read_only:
  case DatabaseMode::immutable:
    return common | SQLITE_OPEN_READONLY;
  }
  return common;
}

// Always a URI, so that no path can be taken for one, nor for SQLite's special names.
std::string uri_of(const std::filesystem::path& path, DatabaseMode mode) {
  std::string uri = "file://" + percent_encode(std::filesystem::absolute(path).native(), "/");
  if (mode == DatabaseMode::immutable) {
    uri += "?immutable=1";
  }
  return uri;
}

std::string_view settings(DatabaseMode mode) {
  switch (mode) {
  case DatabaseMode::read_write:
    return "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA "
           "trusted_schema=OFF";
  case DatabaseMode::alone:  // the lock first: it decides where WAL keeps its index
    return "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
           "PRAGMA trusted_schema=OFF";
  case DatabaseMode::bulk:
    return "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; "
           "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF";
  case DatabaseMode::read_only:
  case DatabaseMode::immutable:
    return "PRAGMA trusted_schema=OFF; PRAGMA query_only=ON";
  }
  return {};
}

// Of two that turn a new database to WAL at the same time, each holds the read lock that the other waits to see go.
// SQLite breaks that by telling one of them `busy` at once, without its busy handler: that one has to begin again.
template <typename Work>
void while_busy(Work&& work) {
  const auto until = std::chrono::steady_clock::now() + k_busy_timeout;
  while (true) {
    try {
      return work();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::busy || std::chrono::steady_clock::now() >= until) {
        throw;
      }
    }
    std::this_thread::sleep_for(k_between_tries);
  }
}

}  // namespace

Statement::Statement(sqlite3* database, std::string_view sql) : m_database(database), m_statement(nullptr) {
  check(database, sqlite3_prepare_v2(database, sql.data(), bounded(sql.size()), &m_statement, nullptr),
        "prepare a statement for");
}

Statement::Statement(Statement&& other) noexcept
    : m_database(other.m_database), m_statement(std::exchange(other.m_statement, nullptr)) {}

Statement::~Statement() {
  sqlite3_finalize(m_statement);
}

// SQLITE_TRANSIENT is a C-style cast in a macro; this is the same value.
static const sqlite3_destructor_type k_copied = reinterpret_cast<sqlite3_destructor_type>(-1);

Statement& Statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL, and a default string_view has one.
  const char* const data = text.data() == nullptr ? "" : text.data();
  check(m_database, sqlite3_bind_text64(m_statement, index, data, text.size(), k_copied, SQLITE_UTF8),
        "bind a value for");
  return *this;
}

Statement& Statement::bind(int index, std::int64_t number) {
  check(m_database, sqlite3_bind_int64(m_statement, index, number), "bind a value for");
  return *this;
}

Statement& Statement::bind_blob(int index, std::span<const std::byte> bytes) {
  const int result = bytes.empty() ? sqlite3_bind_zeroblob(m_statement, index, 0)
                                   : sqlite3_bind_blob64(m_statement, index, bytes.data(), bytes.size(), k_copied);
  check(m_database, result, "bind a value for");
  return *this;
}

Statement& Statement::bind_null(int index) {
  check(m_database, sqlite3_bind_null(m_statement, index), "bind a value for");
  return *this;
}

bool Statement::step() {
  const int result = sqlite3_step(m_statement);
  if (result == SQLITE_ROW) {
    return true;
  }
  if (result != SQLITE_DONE) {
    // Reset before the error is read would lose it; not at all would keep the lock.
    try {
      fail(m_database, result, "use");
    } catch (...) {
      sqlite3_reset(m_statement);
      throw;
    }
  }
  return false;
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

void Statement::reset() {
  // Its result repeats what step has already thrown.
  sqlite3_reset(m_statement);
}

std::string Statement::text(int column) const {
  const auto* const data = reinterpret_cast<const char*>(sqlite3_column_text(m_statement, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(m_statement, column));
  return data == nullptr ? std::string() : std::string(data, size);
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(m_statement, column);
}

std::string Statement::blob(int column) const {
  const auto* const data = static_cast<const char*>(sqlite3_column_blob(m_statement, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(m_statement, column));
  return data == nullptr ? std::string() : std::string(data, size);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(m_statement, column) == SQLITE_NULL;
}

Database::Database(const std::filesystem::path& path, DatabaseMode mode) : m_name(printable(path.native())) {
  const int result = sqlite3_open_v2(uri_of(path, mode).c_str(), &m_database, open_flags(mode), nullptr);
  try {
    if (result != SQLITE_OK) {
      const bool absent = (result & 0xFF) == SQLITE_CANTOPEN && !std::filesystem::exists(path);
      const std::string reason = m_database == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(m_database);
      throw Error(absent ? ErrorCode::not_found : code_of(result),
                  fmt::format("cannot open the database '{}': {}", m_name, reason));
    }
    sqlite3_busy_timeout(m_database, static_cast<int>(k_busy_timeout.count()));
    // Schemas of foreign files must not run code, and text in double quotes must not become a string.
    sqlite3_db_config(m_database, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(m_database, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    while_busy([&] { execute(settings(mode)); });
    // After the settings, because it also forbids journal_mode=OFF.
    sqlite3_db_config(m_database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    // SQLite opens lazily; a file that is no database must fail here and not at the first query.
    prepare("PRAGMA schema_version").run();
  } catch (...) {
    sqlite3_close_v2(m_database);
    throw;
  }
}

Database::Database(Database&& other) noexcept
    : m_database(std::exchange(other.m_database, nullptr)), m_name(std::move(other.m_name)) {}

Database& Database::operator=(Database&& other) noexcept {
  if (this != &other) {
    sqlite3_close_v2(m_database);
    m_database = std::exchange(other.m_database, nullptr);
    m_name = std::move(other.m_name);
  }
  return *this;
}

Database::~Database() {
  sqlite3_close_v2(m_database);
}

void Database::execute(std::string_view sql) {
  check(m_database, sqlite3_exec(m_database, std::string(sql).c_str(), nullptr, nullptr, nullptr), "use");
}

Statement Database::prepare(std::string_view sql) const {
  return Statement(m_database, sql);
}

std::int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(m_database);
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(m_database);
}

void Database::migrate(std::span<const std::string_view> steps) {
  const auto version = [this] {
    Statement query = prepare("PRAGMA user_version");
    query.step();
    return query.number(0);
  };
  const auto known = static_cast<std::int64_t>(steps.size());
  while (version() < known) {
    Transaction transaction(*this);
    // Read again under the lock: another process may have done this step meanwhile.
    const std::int64_t number = version();
    if (number >= known) {
      break;
    }
    with_context([&] { return fmt::format("bringing '{}' to schema {}", m_name, number + 1); },
                 [&] {
                   execute(steps[static_cast<std::size_t>(number)]);
                   execute(fmt::format("PRAGMA user_version={}", number + 1));
                 });
    transaction.commit();
  }
  if (version() > known) {
    throw Error(ErrorCode::unsupported,
                fmt::format("the database '{}' has schema {}, but this airlock knows {}", m_name, version(), known))
        .with_hint("a newer airlock wrote it; use that version or a later one");
  }
}

Transaction::Transaction(Database& database) : m_database(database) {
  m_database.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!m_open) {
    return;
  }
  // SQLite has rolled back by itself after some errors; then this one has nothing to do and says so.
  sqlite3_exec(m_database.m_database, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  m_database.execute("COMMIT");
  m_open = false;
}

}  // namespace airlock::base
