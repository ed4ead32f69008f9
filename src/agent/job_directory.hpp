// The folder of one job on the host: fresh, private, used once, and gone afterwards whatever the job left in it.
#pragma once

#include <filesystem>
#include <string_view>

#include "agent/sandbox_view.hpp"
#include "base/files.hpp"

namespace airlock::agent {

class JobDirectory {
 public:
  // Makes `parent`/`name`, which must not be there, for the agent alone (0700), and in it an empty root and the folder
  // that the job finds as k_job_folder, which is its user's. Throws io.
  JobDirectory(const std::filesystem::path& parent, std::string_view name, const JobUser& user);
  JobDirectory(const JobDirectory&) = delete;
  JobDirectory& operator=(const JobDirectory&) = delete;
  ~JobDirectory();  // removes it; what cannot be removed is tried again by the next agent

  std::filesystem::path root() const { return m_path / "root"; }
  std::filesystem::path job() const { return m_path / "job"; }  // k_job_folder inside
  // For what comes from outside and passes on to the job: not reachable by it.
  std::filesystem::path path() const { return m_path; }

  // A new file below job(), of the job's user, instead of what was there. Parents are made. No link on the way is
  // followed, as the job may have made it. Throws malformed when `relative` leaves the folder, io.
  void write(const std::filesystem::path& relative, std::string_view content, mode_t mode = 0600) const;
  void make_folder(const std::filesystem::path& relative) const;

 private:
  base::Fd open_folder(const std::filesystem::path& relative) const;

  std::filesystem::path m_path;
  JobUser m_user;
};

// Removes a tree without following links, read-only folders included; false when something stayed. Takes the same
// number of descriptors however deep the tree is.
bool remove_tree(const std::filesystem::path& path);
// What a killed agent left in `parent`: folders named as those of jobs (DEPLOYMENT.ATTEMPT) and trials (check-NUMBER)
// are. Whatever else lies there stays. Returns how many could not be removed.
std::size_t remove_stale_jobs(const std::filesystem::path& parent);

}  // namespace airlock::agent
