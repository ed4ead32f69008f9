// Counters of one server, and their text for Prometheus (exposition format 0.0.4).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "http/server.hpp"
#include "store/catalog.hpp"

namespace airlock::mirror {

class Metrics {
 public:
  void count(const http::AccessRecord& record);  // thread-safe
  void count_missing() { ++m_missing; }
  // `catalog` may be null.
  std::string text(const store::Catalog* catalog) const;

 private:
  std::array<std::atomic<std::uint64_t>, 6> m_by_class{};  // index: first digit of the status
  std::atomic<std::uint64_t> m_bytes{0};
  std::atomic<std::uint64_t> m_microseconds{0};
  std::atomic<std::uint64_t> m_missing{0};
};

}  // namespace airlock::mirror
