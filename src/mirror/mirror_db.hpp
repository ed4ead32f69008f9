// `HOME/mirror.db`: what the server alone writes (docs/formats/catalog-database.md). One list of schema steps for all
// its tables.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "base/sqlite.hpp"

namespace airlock::mirror {

std::filesystem::path mirror_db_path(const std::filesystem::path& home);
// Created and brought up to date where need be; throws io where the home cannot be written.
base::Database open_mirror_db(const std::filesystem::path& home);
// For a file that comes from elsewhere: throws tampered, unsupported (base::require_schema).
void require_mirror_db(const std::filesystem::path& file);

}  // namespace airlock::mirror
