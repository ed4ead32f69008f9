// The pages of the simple API as this mirror answers them: JSON (PEP 691, 700) and HTML (PEP 503, 592, 629, 658). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace airlock::ecosystem::pypi {

enum class PageForm { json, html, legacy_html };  // the last is text/html
std::string_view content_type(PageForm form);
// What Accept asks for (RFC 9110, 12.5.1); text/html where it is absent or takes everything, as the specification
// says. nullopt: none of the three.
std::optional<PageForm> choose_form(std::string_view accept);

struct ServedFile {
  std::string file;
  std::string version;  // as spelt
  std::string sha256;   // hex
  std::uint64_t size = 0;
  base::Json entry;      // as upstream gave it
  std::string metadata;  // SHA-256 of FILE.metadata where that is here
  // Why it is not to be had; empty: it is. Such a file is listed as yanked, since clients tell the reason of that.
  std::string withheld = {};
};
std::string project_page(const std::string& project, const std::vector<ServedFile>& files, PageForm form);
std::string index_page(const std::vector<std::string>& projects, PageForm form);

}  // namespace airlock::ecosystem::pypi
