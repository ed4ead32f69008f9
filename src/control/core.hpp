// What the parts of the control plane share: the records and the one lock over them, logs, sources, and bells: one for
// work, and one for each deployment that somebody follows.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/files.hpp"
#include "control/control_plane.hpp"
#include "control/log_store.hpp"
#include "control/records.hpp"
#include "control/vault.hpp"
#include "store/blob_store.hpp"

namespace airlock::control {

// Where those wait who follow one deployment: its agent for a change of it, readers also for lines of its log. Both
// members belong to the core's lock.
struct Bell {
  std::condition_variable changed, log;
  std::uint64_t count = 0;  // how often it rang, for whichever
};

struct Core {
  explicit Core(ControlOptions given);

  base::Time now() const { return clock.now(); }
  // With the lock held: wakes those who wait for work; all followers of a deployment; only the readers of its log, whom
  // a line or a step concerns; everyone.
  void ring_for_work();
  void ring_for_deployment(std::uint64_t number);
  void ring_for_log(std::uint64_t number);
  void ring_for_all();
  // With the lock held: the bell of a deployment, the same for all who hold it at one time. To be held before looking
  // at what is waited for.
  std::shared_ptr<Bell> bell(std::uint64_t number);
  // With the lock held and no transaction open: writes what nobody waits for, such as when somebody was last seen.
  // Where the database does not take it, the error log hears of it once, until one is taken again; nothing is thrown.
  void note(const std::function<void()>& write);

  ControlOptions options;
  base::FileLock lock;  // one server a home: leases are kept in its memory
  base::SystemClock system_clock;
  const base::Clock& clock;
  std::mutex mutex;  // over `records`, the bells and `stopping`
  Records records;
  Vault vault;
  LogStore logs;
  store::BlobStore sources;
  std::condition_variable work;
  std::uint64_t work_count = 0;                        // how often it rang
  std::map<std::uint64_t, std::weak_ptr<Bell>> bells;  // by deployment number
  bool stopping = false;
  bool notes_fail = false;  // which the error log knows
};

}  // namespace airlock::control
