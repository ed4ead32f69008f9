// A value that is computed once, by whoever needs it first; others wait for that one.
#pragma once

#include <exception>
#include <mutex>
#include <optional>
#include <utility>

namespace airlock::ecosystem::pypi {

template <typename Value>
class Lazy {
 public:
  // The value of `compute()`, or what it threw, the same for every caller.
  template <typename Compute>
  const Value& get(Compute&& compute) {
    const std::lock_guard lock(m_mutex);
    if (!m_value && !m_failure) {
      try {
        m_value.emplace(std::forward<Compute>(compute)());
      } catch (...) {
        m_failure = std::current_exception();
      }
    }
    if (m_failure) {
      std::rethrow_exception(m_failure);
    }
    return *m_value;
  }

 private:
  std::mutex m_mutex;
  std::optional<Value> m_value;
  std::exception_ptr m_failure;
};

}  // namespace airlock::ecosystem::pypi
