// Backups whose list fits their members, whatever those are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/tar.hpp"
#include "sections.hpp"
#include "workflow/backup.hpp"
#include "workflow/backup_places.hpp"

namespace airlock::fuzz {

// What whoever exchanges the file would write after `members`.
inline std::string fitting_list(const std::vector<Section>& members) {
  workflow::BackupList list{.time = base::parse_rfc3339("2026-07-01T12:00:00Z"),
                            .tool = "airlock",
                            .with_secrets = false,
                            .with_blobs = true,
                            .blobs = 0,
                            .entries = {}};
  for (const auto& [name, text] : members) {
    if (name.starts_with(workflow::k_backup_blobs)) {
      ++list.blobs;
    } else {
      list.entries.push_back({name, text.size(), base::sha256(text)});
    }
  }
  return to_text(list);
}

// Throws Error where a tar of ours cannot hold them.
inline std::string backup_of(const std::vector<Section>& members) {
  std::string tar;
  const auto add = [&tar](std::string_view name, std::string_view text) {
    tar += base::tar_header(name, text.size(), 0);
    tar += text;
    tar.append(static_cast<std::size_t>(base::tar_padding(text.size())), '\0');
  };
  bool has_list = false;
  for (const auto& [name, text] : members) {
    has_list = has_list || name == workflow::k_backup_list;
    add(name, text);
  }
  if (!has_list) {
    add(workflow::k_backup_list, fitting_list(members));
  }
  return tar.append(base::k_tar_end_size, '\0');
}

}  // namespace airlock::fuzz
