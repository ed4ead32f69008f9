#include "base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace airlock::base {

void for_each_in_parallel(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& step) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failed;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) {
        step(i);
      }
    } catch (...) {
      next = count;
      const std::scoped_lock lock(mutex);
      if (!failed) {
        failed = std::current_exception();
      }
    }
  };
  {
    const std::size_t wanted = threads != 0 ? threads : std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::jthread> others;
    try {
      for (std::size_t i = 1; i < std::min(wanted, count); ++i) {
        others.emplace_back(work);
      }
    } catch (const std::system_error&) {
      // No further thread can be had: those that there are do the work.
    }
    work();
  }
  if (failed) {
    std::rethrow_exception(failed);
  }
}

}  // namespace airlock::base
