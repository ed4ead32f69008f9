#include "mirror/mirror_db.hpp"

#include <array>

#include "base/sqlite_copy.hpp"

namespace airlock::mirror {

namespace {

constexpr std::array<std::string_view, 2> k_steps{
    "CREATE TABLE wants (ecosystem TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL, first TEXT NOT "
    "NULL, "
    "last TEXT NOT NULL, PRIMARY KEY (ecosystem, name)) WITHOUT ROWID",
    "CREATE TABLE fetches (sha256 BLOB NOT NULL, client TEXT NOT NULL, path TEXT NOT NULL, count INTEGER NOT NULL, "
    "first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (sha256, client)) WITHOUT "
    "ROWID;"
    "CREATE INDEX fetches_by_age ON fetches (last)",
};

}  // namespace

std::filesystem::path mirror_db_path(const std::filesystem::path& home) {
  return home / "mirror.db";
}

base::Database open_mirror_db(const std::filesystem::path& home) {
  base::Database database(mirror_db_path(home), base::DatabaseMode::read_write);
  database.migrate(k_steps);
  return database;
}

void require_mirror_db(const std::filesystem::path& file) {
  base::require_schema(base::Database(file, base::DatabaseMode::immutable), k_steps);
}

}  // namespace airlock::mirror
