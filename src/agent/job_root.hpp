// The file tree of one job: built from an empty tmpfs, so that what is not named is not there.
#pragma once

#include <vector>

#include "agent/cell_spec.hpp"

namespace airlock::agent {

// The Unix sockets that are bound to a path on this host, as /proc/net/unix lists them: to be called before the network
// namespace is left.
std::vector<std::filesystem::path> unix_socket_paths();

// Builds the tree at spec.root inside the calling process' own mount namespace. `sockets` that lie in what is bound are
// covered by an empty device: a read-only mount does not keep anyone from connecting to a socket. Throws
// MissingControl.
void build_job_root(const CellSpec& spec, const std::vector<std::filesystem::path>& sockets);
// From the first process of the new process namespace: mounts /proc and makes spec.root the root. Throws
// MissingControl.
void enter_job_root(const CellSpec& spec);

}  // namespace airlock::agent
