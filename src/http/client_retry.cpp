#include "http/client_retry.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <random>

#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "http/client_rate.hpp"

namespace airlock::http {

namespace {

constexpr int k_most_doublings = 7;
constexpr std::chrono::milliseconds k_longest_backoff{30'000};
constexpr int k_brief_retries = 2;

std::optional<std::int64_t> parse_seconds(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range && !text.starts_with('-')) {
    return std::int64_t{1} << 31;
  }
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) {
    return std::nullopt;
  }
  return std::min(value, std::int64_t{1} << 31);
}

// Half of the pause is fixed, half is by chance, so that many clients do not come back in one wave.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds pause) {
  thread_local std::minstd_rand generator{std::random_device{}()};
  std::uniform_int_distribution<std::int64_t> chance(pause.count() / 2, pause.count());
  return std::chrono::milliseconds(chance(generator));
}

}  // namespace

bool is_transient_status(int status) {
  switch (status) {
  case 408:
  case 425:
  case 429:
  case 500:
  case 502:
  case 503:
  case 504:
    return true;
  default:
    return false;
  }
}

bool is_overload(int status, const Headers& headers) {
  return status == 429 || status == 503 || (status == 403 && headers.find("Retry-After").has_value());
}

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
  // strptime's names are those of the process's locale, which a program without setlocale leaves at "C".
  const std::string copy(base::trim(text));
  for (const char* format : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    tm fields{};
    const char* end = ::strptime(copy.c_str(), format, &fields);
    if (end != nullptr && *end == '\0') {
      return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&fields)));
    }
  }
  return std::nullopt;
}

std::optional<std::chrono::seconds> retry_after(const Headers& headers, std::chrono::system_clock::time_point now) {
  const auto field = headers.find("Retry-After");
  if (!field) {
    return std::nullopt;
  }
  const std::string_view text = base::trim(*field);
  if (const auto seconds = parse_seconds(text)) {
    return std::chrono::seconds(*seconds);
  }
  if (const auto date = parse_http_date(text)) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(*date - now);
    return std::max(left, std::chrono::seconds(0));
  }
  return std::nullopt;
}

bool Retrier::may_retry(std::optional<std::chrono::seconds> asked) const {
  return m_failures < m_options->retries && (!asked || *asked <= m_options->longest_wait);
}

bool Retrier::may_retry_briefly() const {
  return m_failures < std::min(m_options->retries, k_brief_retries);
}

void Retrier::pause(std::optional<std::chrono::seconds> asked) {
  const auto doubled = m_options->first_backoff * (1 << std::min(m_failures, k_most_doublings));
  std::chrono::milliseconds wait =
      with_jitter(std::min(doubled, std::max(k_longest_backoff, m_options->first_backoff)));
  if (asked) {
    wait += *asked;
  }
  ++m_failures;
  ++m_tries;
  if (!pause_until(std::chrono::steady_clock::now() + wait)) {
    base::throw_if_interrupted();
  }
}

}  // namespace airlock::http
