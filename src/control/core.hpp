// What the parts of the control plane share: the records and the one lock over them, logs, sources, and two bells.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

#include "base/files.hpp"
#include "control/control_plane.hpp"
#include "control/log_store.hpp"
#include "control/records.hpp"
#include "control/vault.hpp"
#include "store/blob_store.hpp"

namespace airlock::control {

struct Core {
  explicit Core(ControlOptions given);

  base::Time now() const { return clock.now(); }
  // With the lock held: wakes those who wait for work, or for news of a deployment.
  void ring_for_work();
  void ring_for_news();

  ControlOptions options;
  base::FileLock lock;  // one server a home: leases are kept in its memory
  base::SystemClock system_clock;
  const base::Clock& clock;
  std::mutex mutex;  // over `records`, the counters and `stopping`
  Records records;
  Vault vault;
  LogStore logs;
  store::BlobStore sources;
  std::condition_variable work, news;
  std::uint64_t work_count = 0;  // how often each bell rang
  std::uint64_t news_count = 0;
  bool stopping = false;
};

}  // namespace airlock::control
