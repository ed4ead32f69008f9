// What clients asked for and did not find, to be carried back to the connected side.
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
#include "mirror/write_behind.hpp"

namespace airlock::mirror {

struct Want {
  std::string ecosystem;
  std::string name;         // in the ecosystem's own spelling, "docker.io/library/debian:12"
  std::uint64_t count = 0;  // requests
  base::Time first{};
  base::Time last{};
};

// All of them, by ecosystem and name; empty where no server ever ran. Throws io.
std::vector<Want> read_wants(const std::filesystem::path& home);

// Takes misses from request threads and writes them in batches from a thread of its own, the last when it ends. At most
// 100,000 names of 1,024 bytes are kept: beyond that those go that were asked for least, and longest ago, so that a
// client that makes up names neither fills the disk nor ends the list for what others ask for again.
class WantsRecorder {
 public:
  using OnError = std::function<void(std::string_view text)>;
  // `clock` outlives this. A database that cannot be written is told to `on_error` once; requests never
  // notice.
  WantsRecorder(std::filesystem::path home, const base::Clock& clock, OnError on_error = {});
  void record(std::string_view ecosystem, std::string_view name);  // never throws, never waits for the disk
  void flush() { m_writer.flush(); }                               // returns when everything recorded so far is written

 private:
  struct Pending {
    std::uint64_t count = 0;
    base::Time first{};
    base::Time last{};
  };
  using Batch = std::map<std::pair<std::string, std::string>, Pending>;
  void write_pending();
  void write(const Batch& batch);

  std::filesystem::path m_home;
  const base::Clock& m_clock;
  OnError m_on_error;
  std::mutex m_mutex;
  Batch m_pending;
  bool m_failed = false;
  WriteBehind m_writer;  // last: it writes once more when it ends
};

}  // namespace airlock::mirror
