// What a job without a container sees of the host: programs and libraries, certificates, and no more.
#pragma once

#include <filesystem>
#include <vector>

#include "agent/cell_spec.hpp"

namespace airlock::agent {

struct JobUser {  // numbers that nothing else on the host has
  uid_t uid = 64123;
  gid_t gid = 64123;
};

// A spec with the binds, links and files of /usr, /bin, /etc and the like; `host_paths` are shown as well, read-only.
// Root, loopback services and the job's own folder are the caller's.
CellSpec sandbox_spec(const std::vector<std::filesystem::path>& host_paths, const JobUser& user);

// The files of /etc by which names are found and users have names, for containers too.
std::string resolv_conf();
std::string hosts_file();

}  // namespace airlock::agent
