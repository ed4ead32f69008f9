// Takes what a data diode drops into a folder (docs/operations/sites.md, Behind a diode).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "bundle/head.hpp"
#include "workflow/import.hpp"

namespace airlock::workflow {

// What whoever watches is told, beside the lines for people.
struct WatchEvents {
  std::function<void(const ImportReport&)> taken = {};  // after each import, also of what was here already
  std::function<void(const std::filesystem::path& head, const base::Error&)> refused = {};  // or waits; once for each
};

// Looks every few seconds until interrupted; takes each bundle once all of it has arrived, in order, and touches none
// of its files. What is refused, or has no room, keeps nothing else away; it is said once, and tried again when its
// file or an approval changes; where time may mend what was wrong (a scanner, a clock, a full disk, a root that is not
// pinned yet), also after a pause, which grows to an hour. `options.bundles` is not used. Throws usage where the folder
// is a file, busy where another process watches it for this home.
void watch_folder(const std::filesystem::path& folder, const ImportOptions& options, const WatchEvents& events,
                  const base::Clock& clock, base::Reporter& reporter);

// Locks that are held while folders are watched, a file each: below this one of the home.
std::filesystem::path watch_locks(const Home& home);

// One look, for tests: takes what is complete and new. Returns how many bundles were taken.
class FolderWatch {
 public:
  FolderWatch(std::filesystem::path folder, ImportOptions options, WatchEvents events = {})
      : m_folder(std::move(folder)), m_options(std::move(options)), m_events(std::move(events)) {}
  std::size_t look(const base::Clock& clock, base::Reporter& reporter);

 private:
  struct Seen {  // what tells a head from an earlier one under the same name
    std::uint64_t length = 0;
    std::filesystem::file_time_type changed;
    bool operator==(const Seen&) const = default;
  };
  struct Around {           // names, lengths and times of what may make a bundle good
    std::string approvals;  // in the folder and in this home
    std::string files;      // all of the folder
  };
  struct Attempt {  // that did not end well
    Seen head;
    Around around;
    base::Time again = {};  // the next one, if nothing changes
    std::chrono::seconds pause{};
    bool waits = false;    // for files that are missing, or for space
    bool lasting = false;  // tried again only when the head or an approval changes
    std::string said;
  };
  bool is_due(const Attempt& last, const Seen& head, const Around& around, base::Time now) const;
  void note_failure(const bundle::HeadCandidate& candidate, const base::Error& failure, Attempt attempt, base::Time now,
                    base::Reporter& reporter);
  std::vector<bundle::HeadCandidate> list_candidates(base::Reporter& reporter);
  bool is_settled(const std::filesystem::path& head, const Seen& now);

  std::filesystem::path m_folder;
  ImportOptions m_options;
  WatchEvents m_events;
  std::map<std::filesystem::path, Seen> m_done, m_last_look;
  std::map<std::filesystem::path, Attempt> m_attempts;
  Around m_last_around;
  std::string m_trouble;  // what was said of the folder
};

}  // namespace airlock::workflow
