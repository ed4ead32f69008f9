#include "agent/left_spools.hpp"

#include "agent/job_directory.hpp"
#include "agent/log_writer.hpp"

namespace airlock::agent {

namespace fs = std::filesystem;

std::vector<fs::path> find_left_spools(const fs::path& parent) {
  std::vector<fs::path> found;
  std::vector<fs::path> unowned;
  std::error_code error;
  for (const auto& each : fs::directory_iterator(parent, error)) {
    std::error_code unknown;
    const bool owned = fs::exists(each.path() / "owner.json", unknown);
    (owned || unknown ? found : unowned).push_back(each.path());
  }
  for (const auto& folder : unowned) {
    remove_tree(folder);
  }
  return found;
}

// An agent that was killed says so in the words of the next one.
void end_as_lost(Spool& spool) {
  const std::string why = "the agent that ran this job was killed; what it had said until then is above";
  const auto running = spool.running_steps();
  for (auto report : running) {
    spool.add_line(report.step, {now_in_millis(), "airlock: " + why + "\n"});
    report.status = control::StepStatus::failed;
    report.updated = now_in_millis();
    spool.add_step(report);
  }
  spool.complete({control::JobResult::failed, why, std::nullopt});
}

}  // namespace airlock::agent
