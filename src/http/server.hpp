// The server side: HTTP/1.1 with one blocking thread a connection, TLS, limits, and everything that is the
// same for each route (Range, If-Range, If-None-Match, HEAD, 304, 416, Expect). Handlers are ordinary
// functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "http/message.hpp"

namespace airlock::http {

struct ServerRequest {
  std::string method;
  std::string target;                                      // as received, origin-form
  std::vector<std::string> segments;                       // of the path, split before decoding, then percent-decoded
  std::map<std::string, std::string> parameters;           // what the route's {names} matched, decoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  Headers headers;
  std::string peer;  // address of the client
  bool tls = false;
  base::ByteSource* body = nullptr;  // never null while the handler runs; empty when there is none
  std::optional<std::uint64_t> body_length;

  const std::string& parameter(const std::string& name) const { return parameters.at(name); }
  std::optional<std::string> query_value(std::string_view name) const;
  std::string base_url;  // "https://host:port" for absolute URLs; from --base-url or Host
  // True once the client has closed its side: for handlers that hold an answer back. Cheap; only while the handler
  // runs.
  std::function<bool()> client_gone = [] { return false; };
};

struct ServerResponse {
  int status = 200;
  Headers headers;
  // Nothing, text, a file (sent with sendfile), or a writer that is called with a sink. Ranges apply to text
  // and files. A writer's body is chunked, or, where `headers` has a Content-Length, exactly that long.
  std::variant<std::monostate, std::string, base::FileSlice, std::function<void(base::ByteSink&)>> body;
  // Strong entity tag without quotes; a digest for file bodies. Enables If-None-Match and If-Range.
  std::string entity_tag;

  static ServerResponse text(int status, std::string body, std::string content_type = "text/plain; charset=utf-8");
  static ServerResponse json(int status, std::string body);
  static ServerResponse file(base::FileSlice slice, std::string content_type, std::string entity_tag);
};

using Handler = std::function<ServerResponse(const ServerRequest&)>;

struct RouteOptions {
  std::uint64_t body_limit = 1024 * 1024;  // bytes; more is 413
};

// Patterns are "/v2/{name+}/blobs/{digest}": {x} one segment, {x+} one or more, at most one of those; a
// literal segment wins over {x}, which wins over {x+}, from the left. HEAD is answered by the GET handler,
// its body dropped. A path that matches with another method is 405 with Allow. Refused with 400: segments
// that are empty (but for a trailing one), "." or "..", that hold NUL or another control character, a
// backslash, or an encoded "/" anywhere but in a {x}; what {x} gets that way is "a/b" without empty or dotted
// parts ("@scope%2fname"). An empty trailing segment matches a pattern that ends in "/" only.
class Router {
 public:
  void add(std::string method, std::string pattern, Handler handler, RouteOptions options = {});  // throws internal

  struct Match {
    const Handler* handler = nullptr;  // null: not found, or `allowed` says which methods exist
    RouteOptions options;
    std::map<std::string, std::string> parameters;
    std::vector<std::string> allowed;
  };
  Match find(std::string_view method, const std::vector<std::string>& segments) const;
  std::vector<std::string> patterns() const;  // "GET /healthz", sorted

 private:
  struct Route {
    std::string method;
    std::vector<std::string> pattern;
    Handler handler;
    RouteOptions options;
  };
  std::vector<Route> m_routes;
};

struct AccessRecord {  // one request that was answered
  std::string peer, method, target;
  int status = 0;
  std::uint64_t bytes = 0;
  std::chrono::microseconds duration{};
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8480;              // 0: any free one
  std::filesystem::path tls_certificate;  // PEM chain; empty: plain HTTP
  std::filesystem::path tls_key;
  std::string base_url;        // for absolute URLs; empty: scheme and Host of the request
  int max_connections = 1024;  // then 503 and close
  int max_connections_per_address = 256;
  std::size_t header_limit = 16 * 1024;  // bytes
  std::size_t target_limit = 8 * 1024;   // bytes
  std::chrono::seconds header_deadline{10};
  std::chrono::seconds handshake_deadline{10};
  std::chrono::seconds stall_deadline{30};
  std::chrono::seconds idle_deadline{75};
  std::chrono::seconds shutdown_grace{10};
  // Both are called on the connections' threads, several at a time, and must not throw.
  std::function<void(const AccessRecord&)> on_access;
  // What a handler threw, for the log: the client is told the request id and nothing of the error.
  std::function<void(std::string_view request_id, const ServerRequest&, const base::Error&)> on_error;
};

// Errors that handlers throw become statuses in one table; the client sees a short text and a request id,
// never context or paths.
class Server {
 public:
  Server(ServerOptions options, Router router);  // binds; throws io, config (bad certificate)
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  void start();               // accepts on a thread of its own
  void stop();                // stops accepting, lets requests end for the grace time, closes the rest; idempotent
  void reload_certificate();  // keeps the old one, and throws, when the new is bad

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace airlock::http
