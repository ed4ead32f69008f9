// Names and schema of the files in `HOME/catalog` (docs/formats/catalog-database.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace airlock::store {

// The number of the schema that this airlock writes; it reads the same one only, as each activation writes anew.
inline constexpr int k_catalog_format = 2;

inline std::filesystem::path catalog_folder(const std::filesystem::path& home) {
  return home / "catalog";
}
inline std::filesystem::path catalog_file(const std::filesystem::path& home, std::uint64_t number) {
  return catalog_folder(home) / (std::to_string(number) + ".db");
}
inline std::filesystem::path current_file(const std::filesystem::path& home) {
  return catalog_folder(home) / "current";
}

}  // namespace airlock::store
