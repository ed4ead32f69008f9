// What the agent tells the small process that becomes a job's walls, and what that process tells back. Both ends are
// this program, started at different times: the values travel as JSON over a socket pair (cell_channel.hpp).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace airlock::agent {

// Addresses of the job's network. All are of ranges kept for documentation (RFC 5737, RFC 3849): no site has them.
inline constexpr std::string_view k_job_v4 = "198.51.100.2";
inline constexpr std::string_view k_job_v6 = "2001:db8::2";
inline constexpr std::string_view k_peer_v4 = "198.51.100.1";  // whom relayed connections seem to come from
inline constexpr std::string_view k_peer_v6 = "2001:db8::1";
inline constexpr std::string_view k_resolver = "198.51.100.53";
inline constexpr std::string_view k_stand_ins = "198.51.100.128";  // first of those that stand for a name on loopback
inline constexpr int k_stand_ins_prefix = 24;                      // of the whole network that all of these are in
inline constexpr std::string_view k_job_folder = "/job";           // where the job finds its directory

enum class BindAccess { read_only, read_write };

struct BindMount {
  std::filesystem::path from;  // on the host
  std::filesystem::path to;    // in the job
  BindAccess access = BindAccess::read_only;
};

struct LoopbackService {  // a port on the agent's own loopback that the job finds on its own
  std::string address;    // of 127.0.0.0/8, or "::1"
  std::uint16_t port = 0;
};

struct CellSpec {
  // isolate: new namespaces and a root of its own. join: only a network for a container that exists already.
  enum class Mode { isolate, join } mode = Mode::isolate;
  pid_t join = 0;               // a process of that container
  bool user_namespace = false;  // the agent is not root
  std::filesystem::path root;   // an empty folder, becomes "/" of the job
  std::vector<BindMount> binds;
  std::vector<std::pair<std::string, std::string>> links;  // path in the job, its target
  std::vector<std::pair<std::string, std::string>> files;  // path in the job, content
  uid_t uid = 0;
  gid_t gid = 0;
  std::string hostname;
  std::vector<LoopbackService> loopback;
  std::uint64_t processes = 0;  // RLIMIT_NPROC, where no cgroup limits them; 0 for none
  std::uint64_t memory = 0;     // RLIMIT_DATA in bytes, likewise
};
CellSpec parse_cell_spec(std::string_view text);  // throws malformed
std::string print(const CellSpec& spec);

struct CellCommand {
  std::uint64_t id = 0;
  std::vector<std::string> argv;                   // argv[0] is looked up on the PATH of `environment`
  std::map<std::string, std::string> environment;  // all of it
  std::string directory;
};
CellCommand parse_cell_command(std::string_view text);
std::string print(const CellCommand& command);

// Ready brings descriptors with it: TUN, /proc of the job (isolate only), the listener for IPv4, for IPv6 where there
// is one, and one for each loopback service.
struct CellEvent {
  enum class Kind { ready, failed, ended } kind = Kind::failed;
  bool has_v6 = false;   // ready
  std::string control;   // failed: what the kernel did not give, "network namespace"
  std::string cause;     // failed
  std::uint64_t id = 0;  // ended
  int exit_code = 0;     // ended; 128 + signal where a signal ended it
};
CellEvent parse_cell_event(std::string_view text);
std::string print(const CellEvent& event);

}  // namespace airlock::agent
