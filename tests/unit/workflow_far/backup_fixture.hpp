// Backups, the host that they are brought to, and what is in one as texts that can be changed.
#pragma once

#include <string>
#include <vector>

#include "base/tar.hpp"
#include "far_fixture.hpp"
#include "workflow/backup.hpp"
#include "workflow/backup_places.hpp"
#include "workflow/restore.hpp"

namespace airlock::test {

// Four states of one channel, the first two imported.
struct BackupStates : States {
  BackupStates() : States(4) {
    take(0);
    take(1);
  }
  fs::path backup(workflow::BackupOptions::Blobs blobs = workflow::BackupOptions::Blobs::leave_out,
                  const std::string& name = "backup.tar") {
    const auto file = site.folder.path() / name;
    workflow::write_backup({.home = site.home, .file = file, .secrets = {}, .blobs = blobs}, site.clock, site.reporter);
    return file;
  }
};

inline workflow::RestoreOptions options_for(const workflow::Home& home, const fs::path& file) {
  workflow::RestoreOptions options;
  options.home = home;
  options.file = file;
  return options;
}

// Another host, to which the backup is brought.
struct OtherHost : Site {
  OtherHost() { clock.set(bundle_time(5)); }

  workflow::RestoreReport restore(workflow::RestoreOptions options) {
    return workflow::restore_home(options, clock, reporter);
  }
  workflow::RestoreReport restore(const fs::path& file) { return restore(options_for(home, file)); }
  workflow::ImportReport import(const fs::path& bundle) { return Site::import({bundle}); }
};

struct BackupMember {
  std::string name, content;
};
inline std::vector<BackupMember> members_of(const fs::path& file) {
  std::vector<BackupMember> members;
  const auto text = text_of(file);
  const auto fd = base::open_for_reading(file);
  CHECK(base::list_tar(
            fd.get(), text.size(), "backup", 1000,
            [&](const base::TarMember& member) {
              members.push_back({member.name, text.substr(member.offset, member.size)});
              return true;
            },
            base::TarModes::any) == base::TarEnd::complete);
  return members;
}
inline void write_members(const fs::path& file, const std::vector<BackupMember>& members) {
  std::string text;
  for (const auto& [name, content] : members) {
    text += base::tar_header(name, content.size(), 0) + content + std::string(base::tar_padding(content.size()), '\0');
  }
  base::write_file_atomic(file, text + std::string(base::k_tar_end_size, '\0'));
}
// With a list, which is the last one, that fits what the members are now.
inline void list_anew(std::vector<BackupMember>& members) {
  auto list = workflow::parse_backup_list(members.back().content);
  list.entries.clear();
  list.blobs = 0;
  for (const auto& [name, content] : members) {
    if (name.starts_with(workflow::k_backup_blobs)) {
      ++list.blobs;
    } else if (name != workflow::k_backup_list) {
      list.entries.push_back({name, content.size(), base::sha256(content)});
    }
  }
  members.back().content = to_text(list);
}

}  // namespace airlock::test
