#include "http/client.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/error.hpp"
#include "base/text.hpp"
#include "http/broken_pipe.hpp"
#include "http/client_core.hpp"

namespace airlock::http {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::uint64_t k_redirect_body_limit = 64 * 1024;  // bytes; beyond it the connection is given up instead
constexpr std::size_t k_excerpt = 200;                      // bytes

void start_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    ignore_broken_pipes();
  });
}

// Lets the final answer through and keeps the bodies of redirects from it.
class RedirectFilter : public AnswerReceiver {
 public:
  RedirectFilter(AnswerReceiver& next, Redirects redirects) : m_next(next), m_redirects(redirects) {}

  void on_head(const AnswerHead& head) override {
    m_redirected = m_redirects == Redirects::follow && is_redirect(head.status, head.headers);
    m_dropped = 0;
    if (!m_redirected) {
      m_next.on_head(head);
    }
  }
  Flow on_body(std::span<const std::byte> data) override {
    if (!m_redirected) {
      return m_next.on_body(data);
    }
    m_dropped += data.size();
    return m_dropped > k_redirect_body_limit ? Flow::enough : Flow::more;
  }
  bool redirected() const { return m_redirected; }

 private:
  AnswerReceiver& m_next;
  Redirects m_redirects;
  bool m_redirected = false;
  std::uint64_t m_dropped = 0;
};

class Collector : public AnswerReceiver {
 public:
  Collector(const base::Url& url, std::size_t limit) : m_url(url), m_limit(limit) {}

  void on_head(const AnswerHead&) override { m_body.clear(); }
  Flow on_body(std::span<const std::byte> data) override {
    if (data.size() > m_limit - m_body.size()) {
      throw Error(ErrorCode::limit, fmt::format("{}: the answer is larger than the {} allowed for it", m_url.redacted(),
                                                base::format_bytes(m_limit)));
    }
    m_body.append(reinterpret_cast<const char*>(data.data()), data.size());
    return Flow::more;
  }
  std::string take() { return std::move(m_body); }

 private:
  const base::Url& m_url;
  std::size_t m_limit;
  std::string m_body;
};

// Passes on the body of a good answer, and keeps that of any other.
class Streamer : public AnswerReceiver {
 public:
  Streamer(const base::Url& url, std::size_t limit, base::ByteSink& sink) : m_rest(url, limit), m_sink(sink) {}

  void on_head(const AnswerHead& head) override {
    m_good = head.status >= 200 && head.status < 300;
    m_rest.on_head(head);
  }
  Flow on_body(std::span<const std::byte> data) override {
    if (!m_good) {
      return m_rest.on_body(data);
    }
    m_sink.write(data);
    return Flow::more;
  }
  std::string take_rest() { return m_rest.take(); }

 private:
  Collector m_rest;
  base::ByteSink& m_sink;
  bool m_good = false;
};

void require_http(const base::Url& url) {
  if (url.scheme() != "https" && url.scheme() != "http") {
    throw Error(ErrorCode::usage, fmt::format("'{}' is not an http or https URL", url.redacted()));
  }
}

RequestBody body_of(const Request& request) {
  return {request.body, request.body_source, request.body_length, request.rewind_body ? &request.rewind_body : nullptr};
}

Manner manner_of(const Request& request) {
  return {request.redirects, request.patience, request.wait, request.given_up ? &request.given_up : nullptr};
}

}  // namespace

std::string tries_text(int tries) {
  return tries > 1 ? fmt::format(" ({} tries)", tries) : std::string();
}

Error transfer_error(const Hop& hop, const TransferFailure& failure, int tries) {
  return Error(failure.code,
               fmt::format("{} {}: {}{}", hop.method, hop.url.redacted(), failure.cause, tries_text(tries)))
      .with_hint(failure.hint);
}

std::string body_excerpt(const Headers& headers, std::string_view body) {
  const std::string type = base::to_lower(headers.find("Content-Type").value_or(""));
  const bool text = type.starts_with("text/plain") || type.find("json") != std::string::npos || type.empty();
  const std::string_view trimmed = base::trim(body);
  if (!text || trimmed.empty() || !base::is_valid_utf8(trimmed)) {
    return {};
  }
  std::string line(trimmed.substr(0, k_excerpt * 2));
  std::ranges::replace_if(
      line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return base::printable(line, k_excerpt);
}

ErrorCode error_code_of_status(int status) {
  switch (status) {
  case 401:
  case 403:
    return ErrorCode::auth;
  case 404:
  case 410:
    return ErrorCode::not_found;
  default:
    return ErrorCode::upstream;
  }
}

Error status_error(const base::Url& url, int status, const Headers& headers, std::string_view body,
                   std::string_view what, int tries) {
  std::string message = what.empty() ? std::string() : fmt::format("{}: ", what);
  message += fmt::format("{} answered {} {}", url.redacted(), status, status_text(status));
  if (message.ends_with(' ')) {
    message.pop_back();
  }
  if (const std::string excerpt = body_excerpt(headers, body); !excerpt.empty()) {
    message += fmt::format(": \"{}\"", excerpt);
  }
  Error error(error_code_of_status(status), message + tries_text(tries));
  if (const auto wait = headers.find("Retry-After"); wait && is_overload(status, headers)) {
    error.with_hint(fmt::format("the server asks to wait (Retry-After: {})", base::printable(*wait, 40)));
  }
  return error;
}

ClientCore::ClientCore(ClientOptions client_options)
    : options(std::move(client_options)), rate(options.rate_limit), origins(options) {
  if (options.user_agent.empty()) {
    options.user_agent = "airlock/" AIRLOCK_VERSION;
  }
}

void ClientCore::note_overload(Origin& origin, const AnswerHead& head) const {
  AdaptiveLimit::TimePoint not_before{};
  const auto asked = retry_after(head.headers, std::chrono::system_clock::now());
  if (head.status == 429 && asked && *asked <= options.longest_wait) {
    not_before = std::chrono::steady_clock::now() + *asked;
  }
  origin.gate().add_overload(not_before);
}

Try ClientCore::run(Hop hop, const base::Secret& authorization, const RequestBody& body, const Manner& manner,
                    AnswerReceiver& receiver) {
  for (int redirect = 0;; ++redirect) {
    require_http(hop.url);
    Origin& origin = origins.at(hop.url);
    RedirectFilter filter(receiver, manner.redirects);
    Exchange exchange{.method = hop.method, .url = hop.url, .headers = hop.headers};
    exchange.authorization = hop.with_authorization ? &authorization : nullptr;
    if (hop.body == Body::keep) {
      exchange.body = body.text;
      exchange.body_source = body.source;
      exchange.body_length = body.length;
      exchange.rewind_body = body.rewind;
    }
    exchange.patience = manner.patience;
    exchange.wait = manner.wait;
    exchange.given_up = manner.given_up;
    const bool gated = manner.wait == Wait::brief;
    const auto send = [&] { return run_exchange({options, rate, bytes_received}, origin, exchange, filter); };
    const auto send_in_turn = [&] {
      const Gate::Pass pass = origin.gate().enter();
      return send();
    };
    ExchangeResult result = gated ? send_in_turn() : send();
    if (gated && is_overload(result.head.status, result.head.headers)) {
      note_overload(origin, result.head);
    }
    if (!filter.redirected()) {
      return {std::move(result), std::move(hop)};
    }
    if (redirect == k_most_redirects) {
      throw Error(ErrorCode::upstream, fmt::format("{}: more than {} redirects", hop.url.redacted(), k_most_redirects));
    }
    Hop next = follow_redirect(hop, result.head.status, result.head.headers);
    if (next.body == Body::keep && result.body_source_read) {
      throw Error(ErrorCode::upstream,
                  fmt::format("{} redirects after the body was sent, which cannot be repeated", hop.url.redacted()));
    }
    hop = std::move(next);
  }
}

struct Client::Impl : ClientCore {
  using ClientCore::ClientCore;
};

Client::Client(ClientOptions options) {
  start_library();
  m_impl = std::make_unique<Impl>(std::move(options));
}

Client::~Client() = default;

Response Client::send(const Request& request) {
  const RequestBody body = body_of(request);
  Retrier retrier(m_impl->options);
  for (;;) {
    Collector collector(request.url, request.body_limit);
    const Hop first{request.method, request.url, request.headers};
    Try attempt = m_impl->run(first, request.authorization, body, manner_of(request), collector);
    ExchangeResult& result = attempt.result;
    const bool repeatable = request.retry && (!result.body_source_read || request.rewind_body);
    const auto wait = [&](std::optional<std::chrono::seconds> asked = std::nullopt) {
      retrier.pause(asked);
      if (result.body_source_read) {
        request.rewind_body();
      }
    };

    if (result.failure) {
      const auto kind = result.failure->kind;
      const bool again = (kind == TransferFailure::Kind::transient && retrier.may_retry()) ||
                         (kind == TransferFailure::Kind::brief && retrier.may_retry_briefly());
      if (!repeatable || !again) {
        throw transfer_error(attempt.last, *result.failure, retrier.tries());
      }
      wait();
      continue;
    }
    const AnswerHead& head = result.head;
    if (repeatable && (is_transient_status(head.status) || is_overload(head.status, head.headers))) {
      const auto asked = retry_after(head.headers, std::chrono::system_clock::now());
      if (retrier.may_retry(asked)) {
        wait(asked);
        continue;
      }
    }
    return {head.status, std::move(result.head.headers), collector.take(), std::move(attempt.last.url)};
  }
}

Response Client::stream(const Request& request, base::ByteSink& sink) {
  const RequestBody body = body_of(request);
  Streamer streamer(request.url, request.body_limit, sink);
  const Hop first{request.method, request.url, request.headers};
  Try attempt = m_impl->run(first, request.authorization, body, manner_of(request), streamer);
  if (attempt.result.failure) {
    throw transfer_error(attempt.last, *attempt.result.failure, 1);
  }
  AnswerHead& head = attempt.result.head;
  return {head.status, std::move(head.headers), streamer.take_rest(), std::move(attempt.last.url)};
}

Downloaded Client::download(const Download& download, base::ByteSink& sink,
                            const std::function<void(std::uint64_t total)>& on_length) {
  return run_download(*m_impl, download, sink, on_length);
}

std::uint64_t Client::bytes_received() const {
  return m_impl->bytes_received.load(std::memory_order_relaxed);
}

int Client::transfers_allowed(const base::Url& url) const {
  return m_impl->origins.at(url).gate().allowed();
}

void expect_status(const Response& response, std::initializer_list<int> accepted, std::string_view what) {
  if (std::ranges::find(accepted, response.status) == accepted.end()) {
    throw status_error(response.url, response.status, response.headers, response.body, what, 1);
  }
}

}  // namespace airlock::http
