// One client's connection from handshake to close: requests in, handlers called, responses out.
#pragma once

#include <atomic>
#include <string>

#include "http/server.hpp"
#include "http/server_plan.hpp"
#include "http/server_reader.hpp"
#include "http/server_sinks.hpp"
#include "http/server_stream.hpp"

namespace airlock::http {

// What all connections of a server share.
struct ServerContext {
  const ServerOptions& options;
  const Router& router;
  const TlsContext* tls;              // null: plain
  const std::atomic<bool>& stopping;  // no further request on any connection
  std::string own_url;                // for HTTP/1.0 requests without a Host
};

class Connection {
 public:
  Connection(base::Fd socket, std::string peer) : m_stream(std::move(socket)), m_peer(std::move(peer)) {}

  // On the connection's own thread; returns when it has ended. Throws nothing.
  void serve(const ServerContext& context) noexcept;

  // From another thread, while the object lives. `end_when_idle` after `stopping` was set.
  void end_when_idle();
  void interrupt() { m_stream.interrupt(); }

 private:
  enum class Next { keep, finish, drop };  // finish: our answer is still to be seen; drop: nobody is there

  void serve_requests(const ServerContext& context);
  Next serve_one(const ServerContext& context, RequestReader& reader, const RequestHead& head,
                 const HeadVerdict& verdict);
  bool take_rest_of_body(RequestReader& reader, const HeadVerdict& verdict, int status, bool owes_continue);
  ServerResponse answer(const ServerContext& context, ServerRequest& request, const HeadVerdict& verdict,
                        RequestReader& reader, bool& owes_continue);
  ServerResponse call(const ServerContext& context, const Handler& handler, const ServerRequest& request,
                      const RequestReader& reader);
  Next send(const ServerContext& context, const RequestHead& head, const ServerRequest& request, bool keep_alive,
            ServerResponse response, AccessRecord& record);
  Next send_written(const ServerContext& context, const ServerRequest& request, const ServerResponse& response,
                    const ResponsePlan& plan, AccessRecord& record);

  Stream m_stream;
  std::string m_peer;
  std::atomic<bool> m_idle{true};
};

}  // namespace airlock::http
