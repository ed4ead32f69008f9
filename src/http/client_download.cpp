// Client::download: wanted bytes, in order, each once, over as many answers as it takes.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "http/client.hpp"
#include "http/client_content_range.hpp"
#include "http/client_core.hpp"

namespace airlock::http {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_error_body_limit = 64 * 1024;  // bytes of a refusal that are read
// A try that brought less did not bring the whole nearer; so many of them in a row end the download.
constexpr std::uint64_t k_progress = 4096;  // bytes

std::string_view opaque_tag(std::string_view etag) {
  return etag.starts_with("W/") ? etag.substr(2) : etag;
}

class DownloadRun : public AnswerReceiver {
 public:
  DownloadRun(ClientCore& client, const Download& download, base::ByteSink& sink,
              const std::function<void(std::uint64_t)>& on_length)
      : m_client(client), m_download(download), m_sink(sink), m_part_sink(dynamic_cast<PartSink*>(&sink)),
        m_on_length(on_length), m_retrier(client.options), m_total(download.total) {}

  Downloaded run();

 private:
  enum class Answer { none, whole, part, finished, refused };

  void on_head(const AnswerHead& head) override;
  Flow on_body(std::span<const std::byte> data) override;

  std::uint64_t next() const { return m_download.offset + m_delivered; }
  // One past the last byte wanted, where it is known.
  std::optional<std::uint64_t> end() const;
  bool complete() const { return end() == next(); }
  bool wants_whole() const { return next() == 0 && (!m_download.length || end() == m_total); }
  Hop request() const;
  void authorize(const Response* unauthorized);
  bool handle_refusal(const Try& attempt);
  void wait_or_throw(const Try& attempt);

  void accept_whole(const AnswerHead& head);
  void accept_part(const AnswerHead& head);
  void accept_nothing_left(const AnswerHead& head);
  void note_total(std::uint64_t total, const Headers& headers);
  void note_version(const Headers& headers);
  Error broken(std::string_view what) const;

  ClientCore& m_client;
  const Download& m_download;
  base::ByteSink& m_sink;
  PartSink* m_part_sink;  // the same where it is one
  const std::function<void(std::uint64_t)>& m_on_length;
  Retrier m_retrier;

  base::Secret m_authorization;
  bool m_authorized_again = false;  // since the last answer that was accepted
  std::optional<Headers> m_first;   // header of the first answer that was accepted
  std::optional<std::uint64_t> m_total;
  bool m_length_told = false;
  std::uint64_t m_delivered = 0;
  std::uint64_t m_received = 0;

  // Of the answer that is being read.
  Answer m_answer = Answer::none;
  std::uint64_t m_skip = 0;                  // bytes in front that are there already
  std::optional<std::uint64_t> m_announced;  // bytes of body still to come
  std::string m_refusal;                     // body of a refusal
};

Error DownloadRun::broken(std::string_view what) const {
  return Error(ErrorCode::upstream, fmt::format("GET {}: {}", m_download.url.redacted(), what));
}

std::optional<std::uint64_t> DownloadRun::end() const {
  return m_download.length ? std::optional(m_download.offset + *m_download.length) : m_total;
}

Hop DownloadRun::request() const {
  Hop hop{"GET", m_download.url, m_download.headers};
  if (!wants_whole()) {
    hop.headers.set("Range", m_download.length ? fmt::format("bytes={}-{}", next(), *end() - 1)
                                               : fmt::format("bytes={}-", next()));
    const auto tag = m_first ? m_first->find("ETag") : std::nullopt;
    if (m_first && !m_download.proven && !tag && !m_first->find("Last-Modified")) {
      throw broken("it broke off, and nothing tells whether the rest would be of the same version")
          .with_hint("run the same command again, or give its sha256");
    }
    if (tag && tag->starts_with('"')) {  // If-Range takes strong validators only (RFC 9110, 13.1.5)
      hop.headers.set("If-Range", *tag);
    }
  }
  return hop;
}

void DownloadRun::note_total(std::uint64_t total, const Headers& headers) {
  if (m_total && *m_total != total) {
    const bool html = base::to_lower(headers.find("Content-Type").value_or("")).starts_with("text/html");
    Error error = broken(m_first ? fmt::format("it changed while it was read: {} bytes, then {}", *m_total, total)
                                 : fmt::format("it has {} bytes, but {} are expected", total, *m_total));
    if (html) {
      error.with_hint("the answer is an HTML page: a proxy or a login page may stand in between");
    }
    throw error;
  }
  m_total = total;
  if (m_download.length && *end() > total) {
    throw broken(fmt::format("it has {} bytes, but bytes up to {} are wanted", total, *end()));
  }
}

void DownloadRun::note_version(const Headers& headers) {
  if (!m_first) {
    m_first = headers;
    return;
  }
  const auto tag_before = m_first->find("ETag");
  const auto tag_now = headers.find("ETag");
  if (tag_before && tag_now) {
    if (opaque_tag(*tag_before) != opaque_tag(*tag_now)) {
      throw broken("it changed while it was read (another entity tag)");
    }
    return;
  }
  const auto time_before = m_first->find("Last-Modified");
  const auto time_now = headers.find("Last-Modified");
  if (time_before && time_now && *time_before != *time_now) {
    throw broken("it changed while it was read (another modification time)");
  }
}

void DownloadRun::accept_whole(const AnswerHead& head) {
  const auto length = content_length(head.headers);
  if (length) {
    note_total(*length, head.headers);
  }
  note_version(head.headers);
  if (m_part_sink != nullptr && !wants_whole()) {
    m_part_sink->on_whole();
  }
  m_answer = Answer::whole;
  m_skip = next();
  m_announced = m_total;
}

void DownloadRun::accept_part(const AnswerHead& head) {
  const auto range = parse_content_range(head.headers.find("Content-Range").value_or(""));
  if (!range || !range->first) {
    throw broken("it answered 206 without saying which bytes");
  }
  if (range->total) {
    note_total(*range->total, head.headers);
  }
  note_version(head.headers);
  if (*range->first > next() || range->last < next() || (end() && range->last >= *end())) {
    throw broken(fmt::format("it sent bytes {}-{} where {}-{} were asked for", *range->first, range->last, next(),
                             end() ? std::to_string(*end() - 1) : ""));
  }
  m_announced = range->last - *range->first + 1;
  if (const auto length = content_length(head.headers); length && *length != *m_announced) {
    throw broken("Content-Length and Content-Range contradict each other");
  }
  m_answer = Answer::part;
  m_skip = next() - *range->first;
}

// 416: right where exactly nothing was left, an upstream that lost bytes anywhere else.
void DownloadRun::accept_nothing_left(const AnswerHead& head) {
  const auto range = parse_content_range(head.headers.find("Content-Range").value_or(""));
  if (range && range->total) {
    note_total(*range->total, head.headers);
  }
  if (m_download.length || !m_total || *m_total != next()) {
    throw broken(fmt::format("it has no bytes from {} on", next()));
  }
  m_answer = Answer::finished;
}

void DownloadRun::on_head(const AnswerHead& head) {
  m_answer = Answer::refused;
  m_announced.reset();
  m_refusal.clear();
  if (head.status == 200) {
    accept_whole(head);
  } else if (head.status == 206) {
    accept_part(head);
  } else if (head.status == 416) {
    accept_nothing_left(head);
  }
  if (m_answer != Answer::refused && m_total && !m_length_told) {
    m_length_told = true;
    if (m_on_length) {
      m_on_length(*m_total);
    }
  }
}

AnswerReceiver::Flow DownloadRun::on_body(std::span<const std::byte> data) {
  m_received += data.size();
  if (m_answer == Answer::refused || m_answer == Answer::finished) {
    const std::size_t room = k_error_body_limit - m_refusal.size();
    m_refusal.append(reinterpret_cast<const char*>(data.data()), std::min(room, data.size()));
    return data.size() > room ? Flow::enough : Flow::more;
  }
  if (m_announced) {
    if (data.size() > *m_announced) {
      throw broken("it sends more bytes than it announced");
    }
    *m_announced -= data.size();
  }
  if (m_skip > 0) {
    const std::size_t skipped = static_cast<std::size_t>(std::min<std::uint64_t>(m_skip, data.size()));
    m_skip -= skipped;
    data = data.subspan(skipped);
  }
  const std::uint64_t wanted = end() ? *end() - next() : data.size();
  const bool enough = wanted < data.size() || (m_download.length && wanted == data.size() && m_announced != 0);
  data = data.first(static_cast<std::size_t>(std::min<std::uint64_t>(wanted, data.size())));
  if (!data.empty()) {
    m_sink.write(data);
    m_delivered += data.size();
  }
  return enough ? Flow::enough : Flow::more;
}

void DownloadRun::authorize(const Response* unauthorized) {
  if (m_download.authorize) {
    m_authorization = m_download.authorize(unauthorized);
  }
}

void DownloadRun::wait_or_throw(const Try& attempt) {
  const TransferFailure& failure = *attempt.result.failure;
  const bool again = (failure.kind == TransferFailure::Kind::transient && m_retrier.may_retry()) ||
                     (failure.kind == TransferFailure::Kind::brief && m_retrier.may_retry_briefly());
  if (!again) {
    throw transfer_error(attempt.last, failure, m_retrier.tries());
  }
  m_retrier.pause();
}

// True where the request is to be sent again at once.
bool DownloadRun::handle_refusal(const Try& attempt) {
  const AnswerHead& head = attempt.result.head;
  if (head.status == 401 && m_download.authorize && attempt.last.with_authorization && !m_authorized_again) {
    m_authorized_again = true;
    const Response response{head.status, head.headers, m_refusal, attempt.last.url};
    authorize(&response);
    return true;
  }
  if (is_transient_status(head.status) || is_overload(head.status, head.headers)) {
    const auto asked = retry_after(head.headers, std::chrono::system_clock::now());
    if (m_retrier.may_retry(asked)) {
      m_retrier.pause(asked);
      return false;
    }
  }
  throw status_error(attempt.last.url, head.status, head.headers, m_refusal, "", m_retrier.tries());
}

Downloaded DownloadRun::run() {
  Downloaded downloaded;
  downloaded.url = m_download.url;
  if (m_download.length == std::uint64_t{0}) {
    return downloaded;
  }
  if (m_download.length && *m_download.length > UINT64_MAX - m_download.offset) {
    throw Error(ErrorCode::usage, "the range that is wanted has no end");
  }
  bool authorized = false;
  for (;;) {
    if (!authorized) {
      authorize(nullptr);
    }
    authorized = false;
    m_answer = Answer::none;
    const std::uint64_t delivered_before = m_delivered;
    const Try attempt = m_client.run(request(), m_authorization, {}, {}, *this);
    downloaded.url = attempt.last.url;
    if (m_answer == Answer::refused && attempt.result.head.status != 0) {
      authorized = handle_refusal(attempt);
      continue;
    }
    if (m_delivered > delivered_before) {
      m_authorized_again = false;
    }
    if (m_delivered - delivered_before >= k_progress) {
      m_retrier.progress();
    }
    if (attempt.result.failure && !complete()) {
      wait_or_throw(attempt);
      continue;
    }
    if (m_skip > 0) {
      throw broken("it changed while it was read (it is shorter now)");
    }
    // Without a known end, the end of the answer is the end of the content.
    if (complete() || !end()) {
      break;
    }
    if (m_delivered - delivered_before < k_progress) {
      const TransferFailure short_answer{TransferFailure::Kind::transient,
                                         ErrorCode::network,
                                         fmt::format("the answer ended at byte {} of {}", next(), *end()),
                                         {}};
      wait_or_throw({{attempt.result.head, short_answer}, attempt.last});
    }
  }
  downloaded.headers = m_first.value_or(Headers{});
  downloaded.received = m_received;
  return downloaded;
}

}  // namespace

Downloaded run_download(ClientCore& client, const Download& download, base::ByteSink& sink,
                        const std::function<void(std::uint64_t total)>& on_length) {
  return DownloadRun(client, download, sink, on_length).run();
}

}  // namespace airlock::http
