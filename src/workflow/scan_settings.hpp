// The site's scanner, as policy.yaml says it under `scan` (docs/operations/scanning.md).
//
//   scan:
//     command: [clamdscan, --no-summary, "-"]     a filter: the file on its stdin
//     files_command: [clamdscan, --fdpass]        gets up to `batch` paths as further arguments, at import
//     batch: 200
//     at: [create, import]
//     timeout: 10m
//     on_refusal: refuse                          or withhold
//     version_command: [clamdscan, --version]     or version: TEXT
//     parallel: 4
//     accept: ["sha256:…"]
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/digest.hpp"

namespace airlock::workflow {

struct ScanSettings {
  std::vector<std::string> command;        // argument vector; empty where only files_command is used
  std::vector<std::string> files_command;  // paths are appended; empty: `command`
  std::uint64_t batch = 0;                 // files of one call at import; 0: one at a time, on stdin
  bool at_create = false, at_import = false;
  std::chrono::seconds timeout{600};  // of one call
  enum class OnRefusal { refuse, withhold } on_refusal = OnRefusal::refuse;
  std::string version;                       // part of what tells one scanner from another
  std::vector<std::string> version_command;  // prints it
  std::uint64_t parallel = 0;                // calls at once; 0: one a core
  std::set<base::Digest> accept;             // taken though the scanner refuses them

  bool has_files_form() const { return batch > 0; }
  const std::vector<std::string>& files_form() const { return files_command.empty() ? command : files_command; }
};

}  // namespace airlock::workflow
