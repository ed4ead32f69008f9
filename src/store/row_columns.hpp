// A file row as columns: the one place that says how catalog and state database spell it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/sqlite.hpp"
#include "model/file_row.hpp"

namespace airlock::store {

// For CREATE TABLE, and for SELECT and INSERT, in one order. `sha256` is 32 raw bytes; what is unknown is NULL.
inline constexpr std::string_view k_row_definition =
    "ecosystem TEXT NOT NULL, path TEXT NOT NULL, artifact TEXT NOT NULL, kind TEXT NOT NULL, "
    "media_type TEXT NOT NULL, platform TEXT NOT NULL, origin TEXT NOT NULL, pin TEXT NOT NULL, "
    "verified TEXT NOT NULL, length INTEGER, sha256 BLOB";
inline constexpr std::string_view k_row_columns =
    "ecosystem, path, artifact, kind, media_type, platform, origin, pin, verified, length, sha256";
inline constexpr int k_row_column_count = 11;

// Binds a row to the parameters from `first` on, in that order.
void bind_row(base::Statement& statement, int first, const model::FileRow& row);
// Reads the columns from `first` on. Throws malformed when the database holds something else.
void read_row(const base::Statement& statement, int first, model::FileRow& row);

void bind_digest(base::Statement& statement, int index, const base::Digest& sha256);
base::Digest read_digest(const base::Statement& statement, int column);
// SQLite's integers are signed; a number beyond them throws limit.
std::int64_t to_integer(std::uint64_t number);
// Times are whole seconds since 1970.
inline std::int64_t seconds_of(base::Time time) {
  return time.time_since_epoch().count();
}
inline base::Time time_at(const base::Statement& query, int column) {
  return base::Time(std::chrono::seconds(query.number(column)));
}

}  // namespace airlock::store
