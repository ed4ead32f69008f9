// Takes what a data diode drops into a folder (CLI.md, import --watch).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "bundle/head.hpp"
#include "workflow/import.hpp"

namespace airlock::workflow {

// Looks every few seconds until interrupted; takes each bundle once all of it has arrived, in order, and touches none
// of its files. What is refused is said once and not tried again until its file, or an approval beside it, changes.
// `options.bundles` is not used.
void watch_folder(const std::filesystem::path& folder, const ImportOptions& options, const base::Clock& clock,
                  base::Reporter& reporter);

// One look, for tests: takes what is complete and new. Returns how many bundles were taken.
class FolderWatch {
 public:
  FolderWatch(std::filesystem::path folder, ImportOptions options)
      : m_folder(std::move(folder)), m_options(std::move(options)) {}
  std::size_t look(const base::Clock& clock, base::Reporter& reporter);

 private:
  struct Seen {  // what tells a head from an earlier one under the same name
    std::uint64_t length = 0;
    std::filesystem::file_time_type changed;
    std::string approvals = {};  // files of approvals that lie in the folder, as far as they may matter to it
    bool operator==(const Seen&) const = default;
  };
  std::vector<bundle::HeadCandidate> list_candidates(base::Reporter& reporter);
  bool is_settled(const std::filesystem::path& head, const Seen& now);

  std::filesystem::path m_folder;
  ImportOptions m_options;
  std::map<std::filesystem::path, Seen> m_done, m_refused, m_last_look;
  std::map<std::filesystem::path, std::string> m_waiting;  // what was said of an incomplete one
  std::string m_trouble;                                   // what was said of the folder
};

}  // namespace airlock::workflow
