#include "http/server_connection.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "http/server_errors.hpp"

namespace airlock::http {

namespace {

using base::Error;
using base::ErrorCode;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t k_drain_limit = 64 * 1024;  // bytes of a body that the handler left unread
constexpr auto k_drain_time = std::chrono::seconds(2);
constexpr int k_requests_per_connection = 100'000;

std::chrono::microseconds since(SteadyClock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - start);
}

// What became of the connection while the body was read decides over what the handler made of it.
int status_of_failure(const Error& error, RequestReader::BodyError body_error) {
  switch (body_error) {
  case RequestReader::BodyError::timeout:
    return 408;
  case RequestReader::BodyError::malformed:
    return 400;
  default:
    return status_of(error.code());
  }
}

std::string base_url(const ServerContext& context, const RequestHead& head) {
  std::string url = context.options.base_url;
  while (url.ends_with('/')) {
    url.pop_back();
  }
  if (!url.empty()) {
    return url;
  }
  const auto host = head.headers.find("Host");
  return host ? (context.tls != nullptr ? "https://" : "http://") + *host : context.own_url;
}

ServerResponse no_route(const Router::Match& match, const std::vector<std::string>& segments) {
  if (!match.allowed.empty()) {
    auto response = refusal_response(405, "this path has other methods");
    response.headers.set("Allow", base::join(match.allowed, ", "));
    return response;
  }
  const bool encoded_slash =
      std::ranges::any_of(segments, [](const std::string& segment) { return segment.find('/') != std::string::npos; });
  return encoded_slash ? refusal_response(400, "an encoded slash is not accepted here")
                       : refusal_response(404, "there is nothing at this path");
}

void report(const ServerContext& context, std::string_view id, const ServerRequest& request, const Error& error) {
  if (context.options.on_error) {
    context.options.on_error(id, request, error);
  }
}

}  // namespace

void Connection::end_when_idle() {
  if (m_idle) {
    m_stream.end_input();
  }
}

void Connection::serve(const ServerContext& context) noexcept {
  try {
    if (context.tls == nullptr ||
        m_stream.start_tls(*context.tls, SteadyClock::now() + context.options.handshake_deadline)) {
      serve_requests(context);
    }
  } catch (...) {
    // Out of memory, or a callback that threw: this connection ends, the others go on.
  }
  m_stream.interrupt();  // the peer learns it now, not when the object goes
}

void Connection::serve_requests(const ServerContext& context) {
  const ServerOptions& options = context.options;
  RequestReader reader(m_stream, {options.header_limit, options.target_limit, options.idle_deadline,
                                  options.header_deadline, options.stall_deadline});
  for (int count = 1;; ++count) {
    m_idle = true;
    if (context.stopping) {
      return;
    }
    RequestHead head;
    HeadVerdict verdict;
    if (reader.read_head(head, verdict) == RequestReader::Outcome::ended) {
      return;
    }
    m_idle = false;
    m_stream.wait_while_moving(options.stall_deadline);
    verdict.keep_alive = verdict.keep_alive && count < k_requests_per_connection;
    const Next next = serve_one(context, reader, head, verdict);
    if (next == Next::finish) {
      m_stream.finish(verdict.refusal == 0 && reader.body_done() ? Linger::no : Linger::yes);
    }
    if (next != Next::keep) {
      return;
    }
  }
}

// A body that the handler left unread stands in front of the next request. Where it is small it is read and
// dropped; otherwise, false, the connection has to end. A client that waits for "100 Continue" may or may not
// send its body after a final answer, and one that sends chunks may wait for a refusal before it goes on:
// there only closing is clear.
bool Connection::take_rest_of_body(RequestReader& reader, const HeadVerdict& verdict, int status, bool owes_continue) {
  if (owes_continue || (verdict.framing == Framing::chunked && status >= 400)) {
    return false;
  }
  m_stream.wait_until(SteadyClock::now() + k_drain_time);
  return reader.drain(k_drain_limit);
}

Connection::Next Connection::serve_one(const ServerContext& context, RequestReader& reader, const RequestHead& head,
                                       const HeadVerdict& verdict) {
  const auto start = SteadyClock::now();
  AccessRecord record{m_peer, head.method, head.target, 0, 0, {}};
  ServerRequest request;
  request.method = head.method;
  request.target = head.target;
  request.headers = head.headers;
  request.peer = m_peer;
  request.tls = context.tls != nullptr;
  request.base_url = base_url(context, head);

  ServerResponse response;
  bool owes_continue = false;
  if (verdict.refusal != 0) {
    response = refusal_response(verdict.refusal, verdict.reason);
  } else {
    response = answer(context, request, verdict, reader, owes_continue);
  }
  if (reader.body_error() == RequestReader::BodyError::closed) {
    return Next::drop;
  }
  const bool keep_alive = verdict.refusal == 0 && verdict.keep_alive && !context.stopping &&
                          (reader.body_done() || take_rest_of_body(reader, verdict, response.status, owes_continue));
  m_stream.wait_while_moving(context.options.stall_deadline);
  const Next next = send(context, head, request, keep_alive, std::move(response), record);
  record.duration = since(start);
  if (context.options.on_access) {
    context.options.on_access(record);
  }
  return next;
}

ServerResponse Connection::answer(const ServerContext& context, ServerRequest& request, const HeadVerdict& verdict,
                                  RequestReader& reader, bool& owes_continue) {
  const auto expectation = verdict.expects_continue ? Continue::expected : Continue::not_expected;
  owes_continue = verdict.expects_continue;
  auto target = parse_target(request.target);
  if (!target) {
    return refusal_response(400, "the path is malformed");
  }
  request.segments = std::move(target->segments);
  request.query = std::move(target->query);
  auto match = context.router.find(request.method, request.segments);
  if (match.handler == nullptr) {
    return no_route(match, request.segments);
  }
  if (verdict.framing == Framing::counted) {
    if (verdict.content_length > match.options.body_limit) {
      return refusal_response(413, "the body is larger than this path takes");
    }
    request.body_length = verdict.content_length;
  } else if (verdict.framing == Framing::none) {
    request.body_length = 0;
  }
  request.parameters = std::move(match.parameters);
  BodySource body(m_stream, reader, match.options.body_limit, expectation);
  request.body = &body;
  request.client_gone = [this] { return m_stream.peer_closed(); };
  ServerResponse response = call(context, *match.handler, request, reader);
  request.body = nullptr;
  owes_continue = body.owes_continue();
  return response;
}

ServerResponse Connection::call(const ServerContext& context, const Handler& handler, const ServerRequest& request,
                                const RequestReader& reader) {
  const auto failed = [&](const Error& error) {
    const std::string id = make_request_id();
    if (reader.body_error() != RequestReader::BodyError::closed) {  // a client that left is no failure of ours
      report(context, id, request, error);
    }
    return error_response(status_of_failure(error, reader.body_error()), id);
  };
  try {
    return handler(request);
  } catch (const Error& error) {
    return failed(error);
  } catch (const std::exception& exception) {
    return failed(Error(ErrorCode::internal, exception.what()));
  }
}

Connection::Next Connection::send(const ServerContext& context, const RequestHead& head, const ServerRequest& request,
                                  bool keep_alive, ServerResponse response, AccessRecord& record) {
  const PlanRequest plan_request{head.method, head.version, head.headers, keep_alive};
  ResponsePlan plan;
  try {
    plan = plan_response(plan_request, response);
  } catch (const Error& error) {
    const std::string id = make_request_id();
    report(context, id, request, error);
    response = error_response(500, id);
    plan = plan_response(plan_request, response);
  }
  record.status = plan.status;
  const std::string text = render_head(plan, http_date(std::chrono::system_clock::now()));
  const Next after = plan.close ? Next::finish : Next::keep;
  IoStatus status = IoStatus::ok;
  switch (plan.body) {
  case BodyKind::none:
    status = m_stream.write(base::as_bytes(text));
    break;
  case BodyKind::text:
    status = m_stream.write(base::as_bytes(text), base::as_bytes(plan.text));
    record.bytes = status == IoStatus::ok ? plan.text.size() : 0;
    break;
  case BodyKind::file:
    status = plan.file.length == 0 ? m_stream.write(base::as_bytes(text)) : m_stream.write_more(base::as_bytes(text));
    if (status == IoStatus::ok) {
      status = m_stream.send_file(plan.file, record.bytes);
    }
    break;
  default:
    return send_written(context, request, response, plan, record);
  }
  return status == IoStatus::ok ? after : Next::drop;
}

Connection::Next Connection::send_written(const ServerContext& context, const ServerRequest& request,
                                          const ServerResponse& response, const ResponsePlan& plan,
                                          AccessRecord& record) {
  std::string text = render_head(plan, http_date(std::chrono::system_clock::now()));
  std::unique_ptr<ResponseSink> sink;
  if (plan.body == BodyKind::chunked_writer) {
    sink = std::make_unique<ChunkedSink>(m_stream, std::move(text));
  } else if (plan.body == BodyKind::counted_writer) {
    sink = std::make_unique<CountedSink>(m_stream, std::move(text), plan.length.value_or(0));
  } else {
    sink = std::make_unique<ResponseSink>(m_stream, std::move(text));
  }
  const auto failed = [&](const Error& error) {
    record.bytes = sink->sent();
    if (sink->client_gone()) {
      return Next::drop;
    }
    const std::string id = make_request_id();
    report(context, id, request, error);
    if (sink->started()) {
      return Next::drop;  // only a broken connection still tells the client that the body is not whole
    }
    const int status = status_of(error.code());
    auto refusal = error_response(status, id);
    const PlanRequest plan_request{request.method, 11, request.headers, false};
    const ResponsePlan error_plan = plan_response(plan_request, refusal);
    record.status = status;
    record.bytes = error_plan.text.size();
    const std::string head = render_head(error_plan, http_date(std::chrono::system_clock::now()));
    return m_stream.write(base::as_bytes(head), base::as_bytes(error_plan.text)) == IoStatus::ok ? Next::finish
                                                                                                 : Next::drop;
  };
  try {
    std::get<std::function<void(base::ByteSink&)>>(response.body)(*sink);
    sink->finish();
  } catch (const Error& error) {
    return failed(error);
  } catch (const std::exception& exception) {
    return failed(Error(ErrorCode::internal, exception.what()));
  }
  record.bytes = sink->sent();
  return plan.close ? Next::finish : Next::keep;
}

}  // namespace airlock::http
