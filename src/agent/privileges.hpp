// What a job's processes give up before they run: capabilities, set-user-ID programs, and the system calls that reach
// past namespaces.
#pragma once

#include "agent/cell_spec.hpp"

namespace airlock::agent {

// Of the calling process, for good: no capability can come back through a program with capabilities. Throws
// MissingControl.
void drop_bounding_set();
// Limits, user, group, capabilities, no_new_privs and the filter of system calls, in this order. Throws MissingControl.
void drop_privileges(const CellSpec& spec);
// Sockets of families that network namespaces do not hold in (AF_VSOCK reaches the hypervisor), io_uring (it opens
// sockets past the filter), the host's keyrings, new user namespaces, and everything of other instruction sets answer
// "not supported" afterwards. Throws MissingControl.
void install_system_call_filter();

}  // namespace airlock::agent
