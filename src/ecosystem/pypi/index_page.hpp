// One project's page of a package index: JSON (PEP 691, 700, 714) or HTML (PEP 503, 592, 629, 658). Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/url.hpp"
#include "ecosystem/pypi/names.hpp"

namespace airlock::ecosystem::pypi {

inline constexpr std::string_view k_json_type = "application/vnd.pypi.simple.v1+json";
inline constexpr std::string_view k_html_type = "application/vnd.pypi.simple.v1+html";

struct IndexFile {
  std::string file;  // its name, checked
  FileName name;
  base::Url url;                              // without fragment
  std::map<std::string, std::string> hashes;  // algorithm to lower-case hex
  std::string requires_python;
  std::optional<std::string> yanked;         // the reason, which may be empty
  std::optional<std::string> core_metadata;  // there is FILE.metadata; its SHA-256, "" where the index does not say
  std::optional<std::uint64_t> size;         // bytes
  std::string upload_time;

  std::string sha256() const;  // "" where the index does not give it
};

struct IndexPage {
  std::string project;                // normalised
  std::vector<IndexFile> files;       // those that are wheels or source archives of the project
  std::vector<std::string> left_out;  // names that collide with an earlier one but for case or spelling; for a warning
};

// `url` is where the page came from. Throws malformed on what is no such page, also on one for another project.
IndexPage parse_json_page(std::string_view text, const std::string& project, const base::Url& url);
IndexPage parse_html_page(std::string_view text, const std::string& project, const base::Url& url);

// The entry as it is carried: the members that a simple page has for a file, without its URL; one text for one entry.
std::string entry_text(const IndexFile& file);
// Reads that again: a JSON object with "filename". Throws malformed.
base::Json parse_entry(std::string_view text);

}  // namespace airlock::ecosystem::pypi
