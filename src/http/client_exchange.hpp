// One request and its answer over one libcurl handle: no redirects, no retries.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"
#include "http/client.hpp"
#include "http/client_failure.hpp"
#include "http/client_handles.hpp"
#include "http/client_rate.hpp"
#include "http/message.hpp"

namespace airlock::http {

inline constexpr std::size_t k_answer_header_limit = 256 * 1024;  // bytes, all fields of one answer

struct AnswerHead {
  int status = 0;
  Headers headers;
};

// What one exchange brings. An exception thrown here ends the exchange and comes out of `run_exchange`.
class AnswerReceiver {
 public:
  enum class Flow { more, enough };  // enough: the rest is not wanted, the connection is given up

  virtual ~AnswerReceiver() = default;
  // Before the first byte of the body; again, from the start, where the request had to be sent once more.
  virtual void on_head(const AnswerHead& head) = 0;
  virtual Flow on_body(std::span<const std::byte> data) = 0;
};

struct Exchange {
  std::string_view method;
  const base::Url& url;
  const Headers& headers;
  const base::Secret* authorization = nullptr;
  std::string_view body;  // with body_source null
  base::ByteSource* body_source = nullptr;
  std::optional<std::uint64_t> body_length;  // of body_source; else chunked
  // Of body_source: a connection that was kept may turn out to be closed only after the first bytes went out.
  const std::function<void()>* rewind_body = nullptr;
  std::optional<std::chrono::seconds> patience;
  Wait wait = Wait::brief;
  const std::function<bool()>* given_up = nullptr;  // Request::given_up
};

// What all exchanges of a client share.
struct ExchangeContext {
  const ClientOptions& options;
  RateLimiter& rate;
  std::atomic<std::uint64_t>& bytes_received;
};

struct ExchangeResult {
  AnswerHead head;                         // status 0 where nothing was answered
  std::optional<TransferFailure> failure;  // none: the answer is complete, or the receiver had enough
  bool body_source_read = false;
};

// Throws what the receiver or the body source throws, limit (answer header too large), usage (a header field
// that cannot be sent), interrupted. Trouble with the connection is data.
ExchangeResult run_exchange(const ExchangeContext& context, Origin& origin, const Exchange& exchange,
                            AnswerReceiver& receiver);

}  // namespace airlock::http
