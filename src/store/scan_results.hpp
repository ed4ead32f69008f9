// `HOME/scans.db`: what the site's scanner said of which blob, so that nothing is scanned twice by the same scanner. A
// memory, and no part of the trusted state: without it everything is scanned again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"

namespace airlock::store {

enum class ScanVerdict { clean, refused };

struct ScanResult {
  base::Digest sha256;
  ScanVerdict verdict = ScanVerdict::clean;
  std::string report;           // what the scanner printed, at most 64 KiB of it
  std::uint64_t discarded = 0;  // bytes that it printed beyond
  base::Time time{};
};

// Which scanner spoke: another version, with other signatures, is another scanner.
struct ScannerName {
  std::string id;    // hex; of command and version
  std::string text;  // for people: "clamdscan, ClamAV 1.0.7/27412"
};

class ScanResults {
 public:
  // Made where it is not there. Several processes may have it open; throws busy when another holds it for long.
  explicit ScanResults(const std::filesystem::path& home);
  ~ScanResults();

  std::optional<ScanResult> find(const base::Digest& sha256, std::string_view scanner) const;
  std::set<base::Digest> refused_by(std::string_view scanner) const;
  // All of them become known at once, in place of what the same scanner said before.
  void add(const ScannerName& scanner, const std::vector<ScanResult>& results);
  // Whatever any scanner said of one blob, the newest first.
  struct Said {
    std::string scanner;  // text
    ScanResult result;
  };
  std::vector<Said> of(const base::Digest& sha256) const;
  // Scanners that spoke here, the latest first.
  struct Summary {
    ScannerName scanner;
    base::Time first{}, last{};
    std::uint64_t clean = 0, refused = 0;
  };
  std::vector<Summary> scanners() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace airlock::store
