// What is tried again, how often, and after which pause.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "http/client.hpp"

namespace airlock::http {

bool is_transient_status(int status);  // 408, 425, 429, 500, 502, 503, 504
// The origin asks for less: 429, 503, and a 403 that carries Retry-After (some forges limit rates with it).
bool is_overload(int status, const Headers& headers);

// Retry-After (RFC 9110, 10.2.3): seconds, or an HTTP date against `now`; nullopt when absent or malformed. A
// date that has passed is 0.
std::optional<std::chrono::seconds> retry_after(const Headers& headers, std::chrono::system_clock::time_point now);
// IMF-fixdate, RFC 850 or asctime (RFC 9110, 5.6.7); nullopt when malformed.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

// Counts the tries of one request.
class Retrier {
 public:
  explicit Retrier(const ClientOptions& options) : m_options(&options) {}

  // Whether one more try may follow. `asked` is what Retry-After said; beyond the longest wait the answer is
  // no.
  bool may_retry(std::optional<std::chrono::seconds> asked = std::nullopt) const;
  // As above for what seldom mends itself (a name that is not resolved): two more tries at most.
  bool may_retry_briefly() const;
  // Waits before the next try: exponential with jitter, and at least what was asked. Throws interrupted.
  void pause(std::optional<std::chrono::seconds> asked = std::nullopt);
  void progress() { m_failures = 0; }  // the last try brought something
  int tries() const { return m_tries; }

 private:
  const ClientOptions* m_options;
  int m_tries = 1;     // all of them, this one included
  int m_failures = 0;  // in a row
};

}  // namespace airlock::http
