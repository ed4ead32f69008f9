// Live logs on the site's own disk: a text file a step, which any pager shows, and beside it an index of fixed records.
// Only appended to; readers need no lock. What was written last may be missing after a power cut: the agent keeps its
// own copy until its job is complete, and sends again from the line that is expected next.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "control/wire.hpp"

namespace airlock::control {

struct LogLimits {  // of one job
  std::uint64_t bytes = 64ULL * 1024 * 1024;
  std::uint64_t lines = 1'000'000;
};

// The log of one job: deployment and which of its jobs.
struct LogName {
  std::string deployment;  // an id; its characters are safe in a path
  std::uint64_t job = 0;
};

class LogStore {
 public:
  LogStore(std::filesystem::path root, LogLimits limits);

  struct Appended {
    AppendAnswer answer;
    bool gap = false;  // the offset is beyond what is here: nothing was written
  };
  // Skips what is there already. At the limit one last line says so, and everything later is only counted.
  Appended append(const LogName& log, const LogAppend& piece);

  // At most `count` lines and about `bytes` bytes, from line `offset` on.
  std::vector<LogLine> read(const LogName& log, std::uint64_t step, std::uint64_t offset, std::uint64_t count,
                            std::uint64_t bytes) const;
  std::uint64_t lines(const LogName& log, std::uint64_t step) const;
  bool truncated(const LogName& log) const;
  void sync(const LogName& log) const;  // everything appended so far is on the medium afterwards

 private:
  struct Totals {
    std::uint64_t bytes = 0, lines = 0;
    bool truncated = false;
  };
  std::filesystem::path folder(const LogName& log) const;
  Totals totals(const LogName& log) const;

  std::filesystem::path m_root;
  LogLimits m_limits;
  std::array<std::mutex, 64> m_appending;  // by name, so that two jobs seldom wait for each other
};

}  // namespace airlock::control
