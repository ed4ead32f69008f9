// One file of one artifact, as lock and catalog carry it (docs/formats/lock.md; docs/formats/bundle.md, Catalogs).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/json.hpp"

namespace airlock::model {

enum class Kind { file, meta, tag, layout, known, withheld };
enum class Verified { none, waived, upstream_digest, upstream_signature, checksum_database };

std::string_view to_string(Kind kind);
std::string_view to_string(Verified verified);
Kind parse_kind(std::string_view text);          // throws malformed
Verified parse_verified(std::string_view text);  // throws malformed

// In a lock `length` and `sha256` may be unknown (upstream pins by another digest); in a catalog every row but a
// `known` one has both.
struct FileRow {
  std::string ecosystem;  // "oci", "tool", "file", …; which catalog it stands in
  std::string path;       // inside the ecosystem (a page each in docs/ecosystems/); what the mirror's URL carries
  std::string artifact;   // purl
  Kind kind = Kind::file;
  std::string media_type;
  std::string platform;  // "linux/amd64"; empty where it has none
  std::string origin;    // URL without user info, or "file:" and a base name for local input
  std::string pin;       // strongest digest that upstream states, "sha512:<hex>"; empty where there is none
  Verified verified = Verified::none;
  std::optional<std::uint64_t> length;  // bytes
  std::optional<base::Digest> sha256;

  bool operator==(const FileRow&) const = default;
};

// Order of every list of rows: ecosystem, then path, by bytes.
bool row_before(const FileRow& a, const FileRow& b);

// One JSON object on one line, members in fixed order, empty ones left out. The ecosystem is a member in a lock and
// is given by the file in a catalog.
enum class RowForm { lock, catalog };
std::string to_json_line(const FileRow& row, RowForm form);
// Strict: unknown members, bad names and missing digests throw malformed (`where` names file and line). For a
// catalog `ecosystem` is what the file is for.
FileRow parse_row(std::string_view line, RowForm form, std::string_view ecosystem, std::string_view where);

// A path is 1 to 1024 bytes of printable UTF-8 without NUL, backslash, empty, "." or ".." segments, leading or
// trailing "/", white space at either end, or more than 30 combining marks in a row. Throws malformed.
void check_path(std::string_view path, std::string_view where);

}  // namespace airlock::model
