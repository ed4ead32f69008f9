#include "control/control_db.hpp"

#include <array>

#include "base/sqlite_copy.hpp"

namespace airlock::control {

namespace {

// A step that was released never changes. Times are seconds since the epoch; one_at_a_time is what makes two agents on
// one stack impossible, whatever the code above it does.
constexpr std::array<std::string_view, 1> k_schema_steps{
    "CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE pools (id TEXT PRIMARY KEY, organization TEXT NOT NULL, name TEXT NOT NULL, "
    "  description TEXT NOT NULL, created INTEGER NOT NULL, last_seen INTEGER, is_default INTEGER NOT NULL, "
    "  UNIQUE (organization, name)) WITHOUT ROWID;"
    "CREATE TABLE pool_tokens (id TEXT PRIMARY KEY, pool TEXT NOT NULL REFERENCES pools ON DELETE CASCADE, "
    "  hash BLOB NOT NULL, created INTEGER NOT NULL, last_used INTEGER) WITHOUT ROWID;"
    "CREATE TABLE user_tokens (id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL, "
    "  created INTEGER NOT NULL, last_used INTEGER) WITHOUT ROWID;"
    "CREATE TABLE agents (pool TEXT NOT NULL REFERENCES pools ON DELETE CASCADE, instance TEXT NOT NULL, "
    "  hostname TEXT NOT NULL, ip TEXT NOT NULL, pid TEXT NOT NULL, platform TEXT NOT NULL, version TEXT NOT NULL, "
    "  runners TEXT NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, "
    "  PRIMARY KEY (pool, instance)) WITHOUT ROWID;"
    "CREATE TABLE organizations (name TEXT PRIMARY KEY, paused INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE stacks (organization TEXT NOT NULL, project TEXT NOT NULL, stack TEXT NOT NULL, "
    "  settings TEXT, paused INTEGER NOT NULL DEFAULT 0, last_version INTEGER NOT NULL DEFAULT 0, "
    "  PRIMARY KEY (organization, project, stack)) WITHOUT ROWID;"
    "CREATE TABLE deployments (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, "
    "  organization TEXT NOT NULL, project TEXT NOT NULL, stack TEXT NOT NULL, version INTEGER NOT NULL, "
    "  operation TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', pool TEXT NOT NULL, "
    "  runner TEXT NOT NULL, initiator TEXT NOT NULL, document TEXT NOT NULL, timeout INTEGER NOT NULL, "
    "  created INTEGER NOT NULL, modified INTEGER NOT NULL, started INTEGER, ended INTEGER, "
    "  attempt INTEGER NOT NULL DEFAULT 0, losses INTEGER NOT NULL DEFAULT 0, cancel TEXT, exit_code INTEGER, "
    "  UNIQUE (organization, project, stack, version));"
    "CREATE UNIQUE INDEX one_at_a_time ON deployments (organization, project, stack) "
    "  WHERE state IN ('offered', 'running');"
    "CREATE INDEX waiting ON deployments (pool, number) WHERE state='queued';"
    "CREATE INDEX waiting_of_stack ON deployments (organization, project, stack, number) WHERE state='queued';"
    "CREATE TABLE attempts (deployment INTEGER NOT NULL REFERENCES deployments ON DELETE CASCADE, "
    "  attempt INTEGER NOT NULL, token_hash BLOB NOT NULL, pool_token TEXT NOT NULL, instance TEXT NOT NULL, "
    "  hostname TEXT NOT NULL, pid TEXT NOT NULL, offered INTEGER NOT NULL, started INTEGER, ended INTEGER, "
    "  job INTEGER, outcome TEXT, PRIMARY KEY (deployment, attempt)) WITHOUT ROWID;"
    "CREATE TABLE steps (deployment INTEGER NOT NULL REFERENCES deployments ON DELETE CASCADE, job INTEGER NOT NULL, "
    "  step INTEGER NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, started TEXT, updated TEXT, "
    "  PRIMARY KEY (deployment, job, step)) WITHOUT ROWID;"
    "CREATE TABLE refused (deployment INTEGER NOT NULL REFERENCES deployments ON DELETE CASCADE, job INTEGER NOT NULL, "
    "  number INTEGER NOT NULL, time TEXT NOT NULL, step INTEGER NOT NULL, target TEXT NOT NULL, port INTEGER NOT "
    "  NULL, protocol TEXT NOT NULL, process TEXT NOT NULL, count INTEGER NOT NULL, "
    "  PRIMARY KEY (deployment, job, number)) WITHOUT ROWID;"};

}  // namespace

std::filesystem::path control_folder(const std::filesystem::path& home) {
  return home / "control";
}

base::Database open_control_db(const std::filesystem::path& home) {
  base::Database database(control_folder(home) / "control.db", base::DatabaseMode::read_write);
  database.migrate(k_schema_steps);
  return database;
}

void require_control_db(const std::filesystem::path& file) {
  base::require_schema(base::Database(file, base::DatabaseMode::immutable), k_schema_steps);
}

}  // namespace airlock::control
