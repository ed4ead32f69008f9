// What makes an interrupted `bundle create` continue (and `bundle ship`, in a folder of its own and without a lock's
// rows): `channels/<channel>/run/` holds the wish, what it resolved to,
// the serial and time that were given, and each digest that was learned on the way. The bytes themselves are in the
// partial files, which need no journal (BundleOutput::resume).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/files.hpp"
#include "model/lock.hpp"

namespace airlock::workflow {

struct RunPlan {
  base::Digest wish;  // what was asked for: another wish is another run
  std::uint64_t serial = 0;
  std::uint64_t shipment = 1;
  base::Time created{};
  std::filesystem::path head;  // the output's final name
  std::string stem;
  std::uint64_t head_room = 0;               // bytes
  std::optional<std::uint64_t> volume_size;  // bytes
  std::uint64_t volumes = 0;                 // how many there will be; 0: not known before
  bool learns = false;                       // some digests were not known when it began
  std::string bundle_id;                     // hex, of the state once it is signed; empty before
};

class RunJournal {
 public:
  explicit RunJournal(std::filesystem::path folder) : m_folder(std::move(folder)) {}

  // nullopt: nothing was interrupted here (or its journal is unreadable, which comes to the same).
  struct Interrupted {
    RunPlan plan;
    model::Lock lock;  // with what was learned
  };
  std::optional<Interrupted> read() const;
  std::optional<RunPlan> plan() const;  // the same without the lock, which may be long

  void begin(const RunPlan& plan, const model::Lock& lock);
  void change(const RunPlan& plan);         // what is known of it by now
  void go_on(const Interrupted& run);       // takes up what read() gave
  void learned(const model::FileRow& row);  // its sha256 and length, durable against kill -9
  void end();                               // the run is over, whichever way

  const std::filesystem::path& folder() const { return m_folder; }

 private:
  std::filesystem::path m_folder;
  base::Fd m_learned;
};

}  // namespace airlock::workflow
