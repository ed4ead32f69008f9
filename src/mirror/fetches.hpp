// Who fetched what: for each blob and client the first and the last time, and how often. For the day on which a version
// turns out to be bad (`airlock store who`).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "http/server.hpp"
#include "mirror/write_behind.hpp"

namespace airlock::mirror {

struct Fetch {
  base::Digest sha256;
  std::string client;       // address
  std::string path;         // of its last request, without the query
  std::uint64_t count = 0;  // requests: for the whole, a part, or whether it is still the same
  base::Time first{}, last{};
};

// Those of one blob, newest first; empty where no server ever ran. Throws io.
std::vector<Fetch> read_fetches(const std::filesystem::path& home, const base::Digest& sha256);

struct FetchLimits {
  std::chrono::seconds keep{0};         // since the last fetch; 0: nothing is recorded
  std::uint64_t most_rows = 1'000'000;  // the oldest go first
};

// Takes what was answered from request threads, and writes it in batches from a thread of its own, the last when it
// ends.
class FetchRecorder {
 public:
  using OnError = std::function<void(std::string_view text)>;
  // `clock` outlives this. A database that cannot be written is told to `on_error` once; requests never notice.
  FetchRecorder(std::filesystem::path home, FetchLimits limits, const base::Clock& clock, OnError on_error = {});

  // Of a request that a handler answered: counts where it was a GET, and the answer is a file with a digest for its
  // entity tag. Never throws, never waits for the disk.
  void record(const http::ServerRequest& request, const http::ServerResponse& response);
  void flush() { m_writer.flush(); }

 private:
  struct Pending {
    std::string path;
    std::uint64_t count = 0;
    base::Time first{}, last{};
  };
  using Batch = std::map<std::pair<std::string, std::string>, Pending>;  // by digest, hex, and client
  void write_pending();
  void write(const Batch& batch);

  std::filesystem::path m_home;
  FetchLimits m_limits;
  const base::Clock& m_clock;
  OnError m_on_error;
  std::mutex m_mutex;
  Batch m_pending;
  bool m_failed = false;
  base::Time m_pruned{};  // when old rows were last looked for
  WriteBehind m_writer;   // last: it writes once more when it ends
};

}  // namespace airlock::mirror
