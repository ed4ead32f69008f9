// For tests of what happens where no thread can be had.
#pragma once

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>

namespace airlock::test {

// While it lives, threads of this process take much address space, and there is room for `more` of them.
class ThreadLimit {
 public:
  explicit ThreadLimit(unsigned more) {
    pthread_attr_t attributes;
    pthread_getattr_default_np(&attributes);
    pthread_attr_getstacksize(&attributes, &m_stack);
    pthread_attr_setstacksize(&attributes, k_large_stack);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    getrlimit(RLIMIT_AS, &m_space);
    struct rlimit limited = m_space;
    const std::size_t used = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    limited.rlim_cur = used + more * k_large_stack + k_large_stack / 2;
    setrlimit(RLIMIT_AS, &limited);
  }
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;
  ~ThreadLimit() {
    setrlimit(RLIMIT_AS, &m_space);
    pthread_attr_t attributes;
    pthread_getattr_default_np(&attributes);
    pthread_attr_setstacksize(&attributes, m_stack);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
  }

 private:
  static constexpr std::size_t k_large_stack = std::size_t{1} << 30;  // bytes
  std::size_t m_stack = 0;                                            // bytes, by default
  struct rlimit m_space = {};
};

}  // namespace airlock::test
