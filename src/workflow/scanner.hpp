// Runs the site's scanner over blobs (docs/operations/scanning.md): as a filter, or over several staged files by path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/reporter.hpp"
#include "bundle/blob_map.hpp"
#include "model/file_row.hpp"
#include "store/blob_store.hpp"
#include "store/scan_results.hpp"
#include "workflow/scan_settings.hpp"

namespace airlock::workflow {

inline constexpr std::size_t k_scan_report_limit = 64 * 1024;  // bytes of a report that are kept

// What is to be scanned, and what the scanner is told of it.
struct ScanSubject {
  base::Digest sha256;
  std::uint64_t length = 0;
  std::string ecosystem, path, artifact, media_type;  // of the first row that names it
  std::uint64_t paths = 1;                            // rows that name it
};
using ScanSubjects = std::map<base::Digest, ScanSubject>;

// The first row that names a blob describes it; those that follow are counted. `row` has a SHA-256.
void add_subject(ScanSubjects& subjects, const model::FileRow& row);

struct ScanRefusal {
  ScanSubject subject;
  store::ScanResult result;
};

struct ScanRun {
  std::uint64_t scanned = 0, bytes = 0;  // now
  std::uint64_t remembered = 0;          // by the same scanner, before
  std::uint64_t accepted = 0;            // refused, and taken by the policy's `accept`
  std::vector<ScanRefusal> refused;      // in the order of the subjects
};

class Scanner {
 public:
  // Asks the scanner for its version where the policy says how. Throws scan_failed.
  Scanner(const ScanSettings& settings, base::Reporter& reporter);

  const store::ScannerName& name() const { return m_name; }

  enum class Memory { use, ignore };  // of what the same scanner said before
  using Locate = std::function<std::optional<bundle::BlobLocation>(const ScanSubject&)>;

  // One call of `command` for each subject, its bytes on stdin, several at once.
  ScanRun scan_streams(const std::vector<ScanSubject>& subjects, const Locate& locate, store::ScanResults& results,
                       Memory memory, const base::Clock& clock) const;
  // Blobs of the store: by path where the policy has a batch, else as scan_streams. `scratch` is made where names of
  // blobs are needed, on the file system of the store.
  ScanRun scan_stored(const std::vector<ScanSubject>& subjects, const store::BlobStore& blobs,
                      const std::filesystem::path& scratch, store::ScanResults& results, Memory memory,
                      const base::Clock& clock) const;
  // Both throw scan_failed when a call ended with anything but 0 and 1, by a signal, or not in time, and interrupted.
  // What was scanned by then is remembered; every subject is scanned, also after one was refused.

 private:
  class Collector;
  void run_batches(const std::vector<ScanSubject>& subjects, const store::BlobStore& blobs,
                   const std::filesystem::path& scratch, Collector& collector) const;
  store::ScanResult scan_stream(const ScanSubject& subject, const bundle::BlobLocation& location) const;
  // 0 or 1, and what it printed.
  struct Answer {
    int code = 0;
    std::string report;
    std::uint64_t discarded = 0;
  };
  Answer ask_about_files(const std::vector<std::string>& paths, const ScanSubject* only) const;

  const ScanSettings& m_settings;
  base::Reporter& m_reporter;
  store::ScannerName m_name;
};

// The first line of a report, for messages.
std::string scan_excerpt(const store::ScanResult& result);

}  // namespace airlock::workflow
