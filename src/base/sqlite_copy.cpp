#include "base/sqlite_copy.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

std::int64_t schema_version(const Database& database) {
  Statement query = database.prepare("PRAGMA user_version");
  query.step();
  return query.number(0);
}

// Every statement that made it. What SQLite adds by itself for a key has none.
std::vector<std::string> schema_of(const Database& database) {
  Statement query =
      database.prepare("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name");
  std::vector<std::string> all;
  while (query.step()) {
    all.push_back(fmt::format("{} {} {} {}", query.text(0), query.text(1), query.text(2), query.text(3)));
  }
  return all;
}

}  // namespace

void copy_database(const std::filesystem::path& from, const std::filesystem::path& to) {
  Database database(from, DatabaseMode::read_only);
  // It stays read-only; this is about the file that the next statement makes.
  database.execute("PRAGMA query_only=OFF");
  database.prepare("VACUUM INTO ?").bind(1, std::string_view(to.native())).run();
}

void require_schema(const Database& database, std::span<const std::string_view> steps) {
  const auto refuse = [](const std::string& why) {
    throw Error(ErrorCode::tampered, fmt::format("a database in it is not as airlock makes it: {}", why))
        .with_hint("use another copy; this one was changed or damaged");
  };
  const std::int64_t version = schema_version(database);
  if (version > static_cast<std::int64_t>(steps.size())) {
    throw Error(ErrorCode::unsupported,
                fmt::format("a database has schema {}, but this airlock knows {}", version, steps.size()))
        .with_hint("a newer airlock wrote it; use that version or a later one");
  }
  if (version < 1) {
    refuse("it has no schema");
  }
  const TempDir folder;
  Database model(folder.path() / "model.db", DatabaseMode::bulk);
  for (std::int64_t step = 0; step < version; ++step) {
    model.execute(steps[static_cast<std::size_t>(step)]);
  }
  if (schema_of(database) != schema_of(model)) {
    refuse("its tables are others");
  }
  Statement check = database.prepare("PRAGMA quick_check(1)");
  if (!check.step() || check.text(0) != "ok") {
    refuse(printable(check.text(0), 200));
  }
}

}  // namespace airlock::base
