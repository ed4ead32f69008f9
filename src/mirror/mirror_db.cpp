#include "mirror/mirror_db.hpp"

#include <array>

namespace airlock::mirror {

namespace {

constexpr std::array<std::string_view, 1> k_steps{
    "CREATE TABLE wants (ecosystem TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL, first TEXT NOT "
    "NULL, "
    "last TEXT NOT NULL, PRIMARY KEY (ecosystem, name)) WITHOUT ROWID",
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

}  // namespace airlock::mirror
