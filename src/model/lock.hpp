// The exact answer to a manifest: every file pinned (docs/formats/lock.md). JSON Lines: a header,
// then one row a line, sorted, so that version control shows what changed.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "model/file_row.hpp"

namespace airlock::model {

struct Waiver {  // what the user accepted, by name; inspection shows it
  std::string upstream;
  std::string what;  // "signatures-not-asked"
  auto operator<=>(const Waiver&) const = default;
};

struct Lock {
  std::string channel;
  std::vector<std::string> platforms;
  base::Digest request;  // of the merged manifest, as a canonical text: has the wish changed?
  std::vector<Waiver> waivers;
  std::vector<FileRow> rows;  // sorted by row_before, each (ecosystem, path) once

  std::string to_text() const;                                      // deterministic; parse(to_text()) is equal
  static Lock parse(std::string_view text, std::string_view name);  // throws lock with the line
  static Lock read(const std::filesystem::path& path);
  void save(const std::filesystem::path& path) const;

  // Sorts, drops rows that stand twice, and throws conflict for one path with different content, and for two paths that
  // clients may not tell apart (name_folding.hpp); where case counts, for any path that is not composed.
  void normalise();
};

struct LockChange {
  enum class What { added, removed, changed } what;
  FileRow before, after;  // one is empty unless changed
};
std::vector<LockChange> diff(const Lock& before, const Lock& after);

}  // namespace airlock::model
