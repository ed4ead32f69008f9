#include "http/client_exchange.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <exception>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"

namespace airlock::http {

namespace {

using base::Error;
using base::ErrorCode;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t k_gate_report = 256 * 1024;  // bytes between two reports to the gate
// A server that was sent a body may have to work through it before it answers.
constexpr int k_patience_after_upload = 10;  // times the stall timeout
// Slower is no way to carry anything. It is above what a server can trickle for ever to keep a caller busy.
constexpr std::uint64_t k_least_rate = 100;  // bytes/s
constexpr auto k_own_delay = std::chrono::milliseconds(200);
constexpr auto k_finish_held = std::chrono::seconds(10);  // for an answer that came together with an interrupt

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// Tells a transfer that stands still, or trickles, from one that waits for ourselves: at least k_least_rate, on average
// over the stall timeout.
class StallWatch {
 public:
  void moved(std::uint64_t bytes) { m_moved += bytes; }
  void restart() {
    m_start = SteadyClock::now();
    m_moved = 0;
  }
  bool stalled(std::chrono::seconds limit) {
    const auto now = SteadyClock::now();
    if (now - m_start < limit) {
      return false;
    }
    if (m_moved < static_cast<std::uint64_t>(limit.count()) * k_least_rate) {
      return true;
    }
    restart();
    return false;
  }

 private:
  SteadyClock::time_point m_start = SteadyClock::now();
  std::uint64_t m_moved = 0;
};

class Transfer {
 public:
  Transfer(const ExchangeContext& context, Origin& origin, const Exchange& exchange, AnswerReceiver& receiver)
      : m_context(context), m_origin(origin), m_exchange(exchange), m_receiver(receiver), m_easy(origin.take()) {}

  ExchangeResult run();

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(m_easy.get(), option, value);
  }
  void set_method_and_body();
  void set_headers();
  void add_header(std::string_view name, std::string_view value);
  bool has_body() const { return m_exchange.body_source != nullptr || !m_exchange.body.empty(); }

  std::size_t on_header_line(std::string_view line);
  void on_head_complete();
  std::size_t on_body(std::span<const std::byte> data);
  std::size_t on_read(std::span<std::byte> buffer);
  bool on_tick(std::uint64_t received, std::uint64_t sent);
  bool may_finish() const;
  std::chrono::seconds patience() const;

  // No exception may cross libcurl's frames: the first is kept, the transfer aborted, and it is thrown
  // afterwards.
  template <typename Result, typename Function>
  static Result guarded(void* self, Result failed, Function&& function) {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
      return function(transfer);
    } catch (...) {
      transfer.m_exception = std::current_exception();
      return failed;
    }
  }

  const ExchangeContext& m_context;
  Origin& m_origin;
  const Exchange& m_exchange;
  AnswerReceiver& m_receiver;
  EasyHandle m_easy;
  std::unique_ptr<curl_slist, FreeList> m_header_lines;
  std::array<char, CURL_ERROR_SIZE> m_error_text{};
  AnswerHead m_head;
  bool m_head_complete = false;
  std::size_t m_header_size = 0;
  bool m_enough = false;
  std::optional<std::chrono::seconds> m_stalled;  // for so long
  SteadyClock::time_point m_answered;
  bool m_source_read = false;
  std::uint64_t m_unreported = 0;
  std::uint64_t m_sent = 0;
  StallWatch m_watch;
  std::exception_ptr m_exception;
};

void Transfer::add_header(std::string_view name, std::string_view value) {
  constexpr std::string_view k_forbidden("\r\n\0", 3);
  if (name.empty() || name.find_first_of(": \t") != std::string_view::npos ||
      name.find_first_of(k_forbidden) != std::string_view::npos ||
      value.find_first_of(k_forbidden) != std::string_view::npos) {
    throw Error(ErrorCode::usage, fmt::format("header field '{}' cannot be sent", base::printable(name)));
  }
  // libcurl reads "Name:" as "leave it out" and "Name;" as "send it empty".
  const std::string line = value.empty() ? fmt::format("{};", name) : fmt::format("{}: {}", name, value);
  curl_slist* longer = curl_slist_append(m_header_lines.get(), line.c_str());
  if (longer == nullptr) {
    throw Error(ErrorCode::internal, "out of memory");
  }
  (void)m_header_lines.release();
  m_header_lines.reset(longer);
}

void Transfer::set_headers() {
  const Headers& headers = m_exchange.headers;
  for (const auto& [name, value] : headers.fields()) {
    add_header(name, value);
  }
  if (m_exchange.authorization != nullptr && !m_exchange.authorization->empty()) {
    add_header("Authorization", m_exchange.authorization->reveal());
  }
  if (!headers.find("User-Agent")) {
    add_header("User-Agent", m_context.options.user_agent);
  }
  if (!headers.find("Accept-Encoding")) {
    add_header("Accept-Encoding", "identity");  // digests are over the bytes as they are stored
  }
  if (has_body() && !headers.find("Content-Type")) {
    m_header_lines.reset(curl_slist_append(m_header_lines.release(), "Content-Type:"));  // not libcurl's own guess
  }
  set(CURLOPT_HTTPHEADER, m_header_lines.get());
}

void Transfer::set_method_and_body() {
  const std::string method(m_exchange.method);
  if (m_exchange.body_source != nullptr) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READDATA, this);
    set(
        CURLOPT_READFUNCTION, +[](char* buffer, std::size_t size, std::size_t count, void* self) {
          return guarded<std::size_t>(self, CURL_READFUNC_ABORT, [&](Transfer& transfer) {
            return transfer.on_read(std::as_writable_bytes(std::span(buffer, size * count)));
          });
        });
    set(CURLOPT_SEEKDATA, this);
    set(
        CURLOPT_SEEKFUNCTION, +[](void* self, curl_off_t offset, int origin) {
          return guarded<int>(self, CURL_SEEKFUNC_FAIL, [&](Transfer& transfer) {
            const auto* const rewind = transfer.m_exchange.rewind_body;
            if (rewind == nullptr || offset != 0 || origin != SEEK_SET) {
              return CURL_SEEKFUNC_CANTSEEK;
            }
            (*rewind)();
            return CURL_SEEKFUNC_OK;
          });
        });
    set(CURLOPT_INFILESIZE_LARGE,
        m_exchange.body_length ? static_cast<curl_off_t>(*m_exchange.body_length) : curl_off_t{-1});
    set(CURLOPT_CUSTOMREQUEST, method.c_str());
  } else if (!m_exchange.body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(m_exchange.body.size()));
    set(CURLOPT_POSTFIELDS, m_exchange.body.empty() ? "" : m_exchange.body.data());
    set(CURLOPT_CUSTOMREQUEST, method.c_str());
  } else if (method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (method != "GET") {
    set(CURLOPT_CUSTOMREQUEST, method.c_str());
  }
}

std::size_t Transfer::on_header_line(std::string_view line) {
  const std::size_t size = line.size();
  m_watch.moved(size);
  if (line.starts_with("HTTP/")) {
    m_head = {};
    m_head_complete = false;
    m_header_size = 0;
    const std::size_t space = line.find(' ');
    if (space != std::string_view::npos) {
      std::from_chars(line.data() + space + 1, line.data() + line.size(), m_head.status);
    }
    return size;
  }
  m_header_size += size;
  if (m_header_size > k_answer_header_limit) {
    throw Error(ErrorCode::limit, fmt::format("{}: the header of the answer is larger than {}",
                                              m_exchange.url.redacted(), base::format_bytes(k_answer_header_limit)));
  }
  while (line.ends_with('\n') || line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  if (m_head_complete) {
    return size;  // a trailer field
  }
  if (line.empty()) {
    if (m_head.status >= 200) {  // what comes before is interim (RFC 9110, 15.2)
      on_head_complete();
    }
    return size;
  }
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    m_head.headers.add(base::trim(line.substr(0, colon)), std::string(base::trim(line.substr(colon + 1))));
  }
  return size;
}

void Transfer::on_head_complete() {
  m_head_complete = true;
  m_answered = SteadyClock::now();
  m_receiver.on_head(m_head);
}

std::size_t Transfer::on_body(std::span<const std::byte> data) {
  m_context.bytes_received.fetch_add(data.size(), std::memory_order_relaxed);
  m_watch.moved(data.size());
  m_unreported += data.size();
  if (m_unreported >= k_gate_report) {
    m_origin.gate().add_bytes(std::exchange(m_unreported, 0));
  }
  const auto before = SteadyClock::now();
  if (m_context.rate.limited()) {
    m_context.rate.take(data.size());
  }
  if (m_receiver.on_body(data) == AnswerReceiver::Flow::enough) {
    m_enough = true;
    return 0;
  }
  if (SteadyClock::now() - before > k_own_delay) {
    m_watch.restart();  // it was us who were slow
  }
  return data.size();
}

std::size_t Transfer::on_read(std::span<std::byte> buffer) {
  m_source_read = true;
  std::size_t count = 0;
  while (count < buffer.size()) {  // full buffers make full TLS records and few chunks
    const std::size_t got = m_exchange.body_source->read(buffer.subspan(count));
    if (got == 0) {
      break;
    }
    count += got;
  }
  m_watch.restart();
  return count;
}

bool Transfer::may_finish() const {
  return m_exchange.wait == Wait::held && m_head_complete && SteadyClock::now() - m_answered < k_finish_held;
}

std::chrono::seconds Transfer::patience() const {
  const bool waits_after_upload = has_body() && !m_head_complete;
  return m_exchange.patience.value_or(m_context.options.stall_timeout *
                                      (waits_after_upload ? k_patience_after_upload : 1));
}

bool Transfer::on_tick(std::uint64_t, std::uint64_t sent) {
  if (!may_finish()) {
    base::throw_if_interrupted();
    if (m_exchange.given_up != nullptr && (*m_exchange.given_up)()) {
      throw Error(ErrorCode::interrupted, fmt::format("{}: the request was given up", m_exchange.url.redacted()));
    }
  }
  if (sent > m_sent) {
    m_watch.moved(sent - m_sent);
    m_sent = sent;
  }
  curl_off_t connected = 0;
  curl_easy_getinfo(m_easy.get(), CURLINFO_PRETRANSFER_TIME_T, &connected);
  if (connected == 0) {
    m_watch.restart();  // until the request is sent, libcurl's connect timeout holds
    return true;
  }
  if (const auto limit = patience(); m_watch.stalled(limit)) {
    m_stalled = limit;
  }
  return !m_stalled;
}

ExchangeResult Transfer::run() {
  set_method_and_body();
  set_headers();
  const std::string url = m_exchange.url.to_string();
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_ERRORBUFFER, m_error_text.data());
  set(CURLOPT_HEADERDATA, this);
  set(
      CURLOPT_HEADERFUNCTION, +[](char* data, std::size_t size, std::size_t count, void* self) {
        return guarded<std::size_t>(self, 0, [&](Transfer& transfer) {
          return transfer.on_header_line({data, size * count});
        });
      });
  set(CURLOPT_WRITEDATA, this);
  set(
      CURLOPT_WRITEFUNCTION, +[](char* data, std::size_t size, std::size_t count, void* self) {
        return guarded<std::size_t>(self, 0, [&](Transfer& transfer) {
          return transfer.on_body(std::as_bytes(std::span(data, size * count)));
        });
      });
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFODATA, this);
  set(
      CURLOPT_XFERINFOFUNCTION, +[](void* self, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
        return guarded<int>(self, 1, [&](Transfer& transfer) {
          return transfer.on_tick(static_cast<std::uint64_t>(received), static_cast<std::uint64_t>(sent)) ? 0 : 1;
        });
      });

  const CURLcode code = curl_easy_perform(m_easy.get());
  m_origin.gate().add_bytes(m_unreported);
  if (m_exception) {
    std::rethrow_exception(m_exception);  // the handle is dropped with it, and its connection
  }
  ExchangeResult result;
  result.head = std::move(m_head);
  result.body_source_read = m_source_read;
  if (m_stalled) {
    result.failure = TransferFailure{TransferFailure::Kind::transient,
                                     ErrorCode::network,
                                     fmt::format("next to nothing moved for {} s", m_stalled->count()),
                                     {}};
  } else if (code != CURLE_OK && !m_enough) {
    result.failure = describe_curl_failure(static_cast<int>(code), m_error_text.data(), m_exchange.url.host_port());
  } else if (!m_head_complete) {
    result.failure = TransferFailure{
        TransferFailure::Kind::permanent, ErrorCode::upstream, "the answer is not a complete HTTP response", {}};
  }
  if (code == CURLE_OK) {
    m_origin.give_back(std::move(m_easy));  // any other has no connection that could be used again
  }
  return result;
}

}  // namespace

ExchangeResult run_exchange(const ExchangeContext& context, Origin& origin, const Exchange& exchange,
                            AnswerReceiver& receiver) {
  return Transfer(context, origin, exchange, receiver).run();
}

}  // namespace airlock::http
