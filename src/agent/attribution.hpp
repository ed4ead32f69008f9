// Which process of a job owns a socket, found in the job's own /proc.
#pragma once

#include <cstdint>
#include <string>

namespace airlock::agent {

enum class SocketKind { tcp, udp };

// "curl (pid 12)", the process id as the job counts it; "" where the process has ended meanwhile, or may not be looked
// at. `proc`: a descriptor of the folder.
std::string find_socket_owner(int proc, SocketKind kind, std::uint16_t local_port);

}  // namespace airlock::agent
