// Copies of a database that is in use, and whether one that comes from elsewhere may be used.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "base/sqlite.hpp"

namespace airlock::base {

// Writes what was committed so far to a new file, as one moment of it, while others go on reading and writing. Throws
// busy, io, no_space.
void copy_database(const std::filesystem::path& from, const std::filesystem::path& to);

// Throws tampered when a page is damaged, or when the schema is not exactly what the first `PRAGMA user_version` of
// `steps` make (a trigger or a view would work inside later statements); unsupported when it is newer than `steps`.
void require_schema(const Database& database, std::span<const std::string_view> steps);

}  // namespace airlock::base
