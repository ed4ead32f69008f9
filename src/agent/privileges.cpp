#include "agent/privileges.hpp"

#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <vector>

#include "agent/missing_control.hpp"

namespace airlock::agent {

namespace {

constexpr const char* k_filter = "seccomp filter";
constexpr const char* k_capabilities = "capabilities";
constexpr rlim_t k_job_open_files = 65536;

#if defined(__x86_64__)
constexpr std::uint32_t k_architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t k_architecture = AUDIT_ARCH_AARCH64;
#else
#error "the filter of system calls does not know this instruction set"
#endif

// Numbers that are the same on every instruction set; headers of older kernels lack them.
constexpr std::uint32_t k_io_uring_setup = 425;
constexpr std::uint32_t k_io_uring_enter = 426;
constexpr std::uint32_t k_io_uring_register = 427;
constexpr std::uint32_t k_clone3 = 435;

constexpr std::array k_families = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
constexpr std::array<std::uint32_t, 12> k_refused = {
    SYS_add_key, SYS_keyctl,  SYS_request_key, SYS_bpf,   SYS_perf_event_open,   SYS_userfaultfd,
    SYS_mount,   SYS_umount2, SYS_pivot_root,  SYS_setns, SYS_open_by_handle_at, SYS_kexec_load,
};
constexpr std::array k_absent = {k_io_uring_setup, k_io_uring_enter, k_io_uring_register, k_clone3};

class Filter {
 public:
  void load(std::size_t offset) {
    m_code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
  }
  void answer(std::uint32_t what) { m_code.push_back(BPF_STMT(BPF_RET | BPF_K, what)); }
  void fail(int error) { answer(SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)); }
  // The next `count` steps are for `value` only, or for everything else.
  void only_for(std::uint32_t value, std::uint8_t count) {
    m_code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count));
  }
  void not_for(std::uint32_t value, std::uint8_t count) {
    m_code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, count, 0));
  }
  void only_with(std::uint32_t bits, std::uint8_t count) {
    m_code.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, count));
  }
  void not_from(std::uint32_t value, std::uint8_t count) {
    m_code.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, value, 0, count));
  }
  void install() {
    sock_fprog program{static_cast<unsigned short>(m_code.size()), m_code.data()};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
      throw_missing(k_filter, "cannot filter system calls", errno);
    }
  }

 private:
  std::vector<sock_filter> m_code;
};

constexpr std::size_t k_number = offsetof(seccomp_data, nr);

std::size_t low_half(std::size_t argument) {  // both instruction sets are little-endian
  return offsetof(seccomp_data, args) + (argument * sizeof(std::uint64_t));
}

void limit(int what, rlim_t value) {
  const rlimit both{value, value};
  setrlimit(static_cast<__rlimit_resource_t>(what), &both);  // raising may be forbidden; lowering never is
}

}  // namespace

void install_system_call_filter() {
  Filter filter;
  filter.load(offsetof(seccomp_data, arch));
  filter.not_for(k_architecture, 1);
  filter.fail(ENOSYS);
  filter.load(k_number);
#if defined(__x86_64__)
  filter.not_from(0x40000000, 1);  // the x32 numbering of the same calls
  filter.fail(ENOSYS);
#endif
  for (const std::uint32_t number : k_refused) {
    filter.only_for(number, 1);
    filter.fail(EPERM);
  }
  for (const std::uint32_t number : k_absent) {
    filter.only_for(number, 1);
    filter.fail(ENOSYS);
  }
  filter.only_for(SYS_unshare, 4);
  filter.load(low_half(0));
  filter.only_with(CLONE_NEWUSER, 1);
  filter.fail(EPERM);
  filter.answer(SECCOMP_RET_ALLOW);
  filter.only_for(SYS_clone, 4);
  filter.load(low_half(0));
  filter.only_with(CLONE_NEWUSER, 1);
  filter.fail(EPERM);
  filter.answer(SECCOMP_RET_ALLOW);
  for (const std::uint32_t number : {std::uint32_t{SYS_socket}, std::uint32_t{SYS_socketpair}}) {
    filter.only_for(number, static_cast<std::uint8_t>(2 + (2 * k_families.size())));
    filter.load(low_half(0));
    for (const int family : k_families) {
      filter.only_for(static_cast<std::uint32_t>(family), 1);
      filter.answer(SECCOMP_RET_ALLOW);
    }
    filter.fail(EAFNOSUPPORT);
  }
  filter.answer(SECCOMP_RET_ALLOW);
  filter.install();
}

void drop_bounding_set() {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability) != 0) {
      throw_missing(k_capabilities, "cannot drop a capability", errno);
    }
  }
}

void drop_privileges(const CellSpec& spec) {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, k_job_open_files);
  if (spec.processes != 0) {
    limit(RLIMIT_NPROC, spec.processes);
  }
  if (spec.memory != 0) {
    limit(RLIMIT_DATA, spec.memory);
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (!spec.user_namespace) {
    if (setgroups(0, nullptr) != 0 || setresgid(spec.gid, spec.gid, spec.gid) != 0 ||
        setresuid(spec.uid, spec.uid, spec.uid) != 0) {
      throw_missing(k_capabilities, "cannot become the user of the job", errno);
    }
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, 2> none{};
  if (syscall(SYS_capset, &header, none.data()) != 0) {
    throw_missing(k_capabilities, "cannot give up capabilities", errno);
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    throw_missing("no_new_privs", "cannot forbid new privileges", errno);
  }
  install_system_call_filter();
}

}  // namespace airlock::agent
