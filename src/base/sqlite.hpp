// SQLite as RAII: a connection, statements, transactions. Errors become Error(io), a full disk no_space, a locked
// database busy.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace airlock::base {

class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Parameters count from 1. Each returns *this.
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, std::int64_t number);
  Statement& bind_blob(int index, std::span<const std::byte> bytes);
  Statement& bind_null(int index);

  bool step();   // true: a row is there
  void run();    // steps to the end and resets; for statements without rows
  void reset();  // to run again with new bindings

  // Columns count from 0.
  std::string text(int column) const;
  std::int64_t number(int column) const;
  std::string blob(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  explicit Statement(sqlite3* database, std::string_view sql);
  sqlite3* m_database;
  sqlite3_stmt* m_statement;
};

// One use of a statement that is kept: reset when it ends, however that is.
class RunningStatement {
 public:
  explicit RunningStatement(Statement& statement) : m_statement(statement) {}
  RunningStatement(const RunningStatement&) = delete;
  RunningStatement& operator=(const RunningStatement&) = delete;
  ~RunningStatement() { m_statement.reset(); }
  Statement* operator->() { return &m_statement; }
  Statement& operator*() { return m_statement; }

 private:
  Statement& m_statement;
};

enum class DatabaseMode {
  read_write,  // created if absent; WAL, synchronous=FULL, foreign keys on
  alone,       // the same, and nobody else may open it meanwhile: then no file for shared memory has to be made
  read_only,   // must exist
  immutable,   // must exist, never changes while open; no locks taken
  bulk,        // a new file that is published when done: no journal, no sync; the caller syncs and renames
};

// Used by one thread at a time, together with its statements. A failed open throws not_found when nothing is there.
// What is no database, or a broken one, is malformed, whenever that shows; other failures are io, busy or no_space.
class Database {
 public:
  Database(const std::filesystem::path& path, DatabaseMode mode);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  void execute(std::string_view sql);  // one or more statements without parameters or rows
  Statement prepare(std::string_view sql) const;
  std::int64_t last_insert_id() const;
  std::int64_t changes() const;

  // Runs the schema steps whose number is above `PRAGMA user_version`, each in a transaction. A database newer than
  // `steps` throws unsupported and says that a newer airlock wrote it.
  void migrate(std::span<const std::string_view> steps);

 private:
  friend class Transaction;
  sqlite3* m_database = nullptr;
  std::string m_name;
};

class Transaction {  // BEGIN IMMEDIATE; rolled back unless committed
 public:
  explicit Transaction(Database& database);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Database& m_database;
  bool m_open = true;
};

}  // namespace airlock::base
