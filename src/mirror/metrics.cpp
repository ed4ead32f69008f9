#include "mirror/metrics.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ecosystem/ecosystem.hpp"

namespace airlock::mirror {

void Metrics::count(const http::AccessRecord& record) {
  ++m_by_class[static_cast<std::size_t>(std::clamp(record.status / 100, 0, 5))];
  m_bytes += record.bytes;
  m_microseconds += static_cast<std::uint64_t>(std::max<std::int64_t>(0, record.duration.count()));
}

std::string Metrics::text(const store::Catalog* catalog) const {
  std::string out = "# HELP airlock_http_requests_total Requests that were answered, by class of status.\n"
                    "# TYPE airlock_http_requests_total counter\n";
  for (std::size_t i = 1; i < m_by_class.size(); ++i) {
    out += fmt::format("airlock_http_requests_total{{class=\"{}xx\"}} {}\n", i, m_by_class[i].load());
  }
  out += fmt::format("# HELP airlock_http_response_bytes_total Bytes of answers' bodies.\n"
                     "# TYPE airlock_http_response_bytes_total counter\nairlock_http_response_bytes_total {}\n"
                     "# HELP airlock_http_request_seconds_total Time spent on requests.\n"
                     "# TYPE airlock_http_request_seconds_total counter\nairlock_http_request_seconds_total {:.6f}\n"
                     "# HELP airlock_missing_total Requests for what is not here.\n"
                     "# TYPE airlock_missing_total counter\nairlock_missing_total {}\n",
                     m_bytes.load(), static_cast<double>(m_microseconds.load()) / 1e6, m_missing.load());
  out += fmt::format("# HELP airlock_catalog_number Number of the active catalog; 0 when there is none.\n"
                     "# TYPE airlock_catalog_number gauge\nairlock_catalog_number {}\n",
                     catalog == nullptr ? 0 : catalog->number());
  out += "# HELP airlock_catalog_rows Rows of the active catalog.\n# TYPE airlock_catalog_rows gauge\n";
  for (const ecosystem::Ecosystem* one : ecosystem::all_ecosystems()) {
    out += fmt::format("airlock_catalog_rows{{ecosystem=\"{}\"}} {}\n", one->id,
                       catalog == nullptr ? 0 : catalog->row_count(one->id));
  }
  return out;
}

}  // namespace airlock::mirror
