#include "workflow/wants_list.hpp"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::workflow {

namespace {

// JSON strings are YAML scalars, whatever stands in them.
std::string yaml_text(std::string_view text) {
  return base::Json(std::string(text)).dump(-1, ' ', false, base::Json::error_handler_t::replace);
}

bool has_field(const model::SectionSchema& section, std::string_view name) {
  return std::any_of(section.fields.begin(), section.fields.end(),
                     [name](const model::Field& field) { return field.name == name; });
}

// The entry that asks for `name`; empty where the section has no way to say it.
std::string entry_for(const model::SectionSchema& section, std::string_view name) {
  // Tools are missed by the path of a file: NAME/VERSION/FILE.
  if (has_field(section, "name") && has_field(section, "version")) {
    const auto parts = base::split(name, '/');
    return parts.size() < 2 ? "" : fmt::format("{{ name: {}, version: {} }}", yaml_text(parts[0]), yaml_text(parts[1]));
  }
  // A path says nothing of where the file comes from.
  if (section.shorthand.empty() || section.shorthand == "url") {
    return "";
  }
  return yaml_text(name);
}

const model::SectionSchema* section_of(const std::string& ecosystem) {
  const auto* found = ecosystem::find_ecosystem(ecosystem);
  return found == nullptr || found->sections.empty() ? nullptr : &found->sections.front();
}

}  // namespace

bool is_private_name(std::string_view ecosystem, std::string_view name) {
  if (ecosystem != "oci") {
    return false;
  }
  const auto host = base::to_lower(name.substr(0, name.find('/')));
  if (host.find('.') == std::string::npos || host.find(':') != std::string::npos ||
      host.find('_') != std::string::npos) {
    return true;
  }
  const bool is_address =
      std::all_of(host.begin(), host.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
  constexpr std::array<std::string_view, 8> k_inside = {".internal", ".local",   ".lan",  ".corp",
                                                        ".home",     ".example", ".test", ".intranet"};
  return is_address || std::any_of(k_inside.begin(), k_inside.end(),
                                   [&host](std::string_view suffix) { return host.ends_with(suffix); });
}

WantsList list_wants(const std::vector<MissedName>& missed, WantsScope scope) {
  WantsList list;
  std::map<std::string, std::vector<std::string>> entries;  // by section key
  std::string comments;
  for (const auto& want : missed) {
    if (scope == WantsScope::public_only && is_private_name(want.ecosystem, want.name)) {
      list.kept_back.push_back(want);
      continue;
    }
    const auto* section = section_of(want.ecosystem);
    const auto entry = section == nullptr ? "" : entry_for(*section, want.name);
    if (entry.empty()) {
      list.unknown.push_back(want);
      comments += fmt::format("#   {} {}\n", want.ecosystem, base::printable(want.name, 1024));
      continue;
    }
    list.listed.push_back(want);
    auto& of_section = entries[section->key];
    if (std::find(of_section.begin(), of_section.end(), entry) == of_section.end()) {
      of_section.push_back(entry);
    }
  }
  list.manifest = "# What clients asked for and did not find; for `airlock bundle create --wants`.\n";
  for (const auto& [key, lines] : entries) {
    list.manifest += key + ":\n";
    for (const auto& line : lines) {
      list.manifest += "  - " + line + "\n";
    }
  }
  if (!comments.empty()) {
    list.manifest += "# Missed too, but a path does not say where a file comes from:\n" + comments;
  }
  return list;
}

}  // namespace airlock::workflow
