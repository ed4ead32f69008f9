// Which medium a file was read from, for the audit log.
#pragma once

#include <filesystem>
#include <string>

#include "base/json.hpp"

namespace airlock::workflow {

struct Medium {
  std::string source;       // "/dev/sdb1", "server:/export"
  std::string file_system;  // "vfat"
  std::string mount_point;
  std::string label, uuid;  // as the device has them; empty where it has none
  bool read_only = false;
};

// As the kernel's list of mounts has it; every text is bounded and printable. Never throws: where nothing can be told,
// all members are empty.
Medium medium_of(const std::filesystem::path& file);
// The same from the text of such a list, for a path that is absolute and has no links in it.
Medium find_medium(std::string_view mounts, const std::string& path);
base::Json to_json(const Medium& medium);  // null when nothing is known

}  // namespace airlock::workflow
