// A plain HTTP server on loopback that answers what a test scripts, broken answers included. It shares no
// code with airlock's own client or server. Each request is one connection's turn; connections stay open
// unless an answer breaks them.
//
//   FaultServer server;
//   server.script("/blob", {{.status = 429, .fields = {{"Retry-After", "0"}}}, {.body = "abc"}});
//   client.send({.url = base::Url::parse(server.url("/blob"))});
//   server.requests("/blob").size() == 2
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace airlock::test {

struct FaultRequest {
  std::string method;
  std::string target;  // path and query, as received
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;  // chunks joined

  std::optional<std::string> field(std::string_view name) const;  // the first, compared without case
};

enum class FaultRange { obey, ignore };

struct FaultAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> fields;  // Content-Length is added unless it is among them
  std::string body;
  FaultRange range = FaultRange::obey;               // Range and If-Range of the request, where status is 200
  std::optional<std::size_t> cut_after;              // bytes of body, then the connection is closed
  std::optional<std::chrono::milliseconds> trickle;  // one byte at a time, with this pause between
  bool no_length = false;                            // no Content-Length: the body ends with the connection
  bool hang_up = false;                              // closes without a word
  bool silent = false;                               // says nothing until the client goes
  std::string raw;                                   // sent as it is instead of everything above, then closes
};

class FaultServer;

// For FaultServer::script: 429 with Retry-After until `wait` has passed since the first of these answers, then `then`.
// Whoever obeys it needs two requests, however slow he is.
enum class RetryAfter { seconds, date };
std::function<FaultAnswer(const FaultRequest&, std::size_t)> overrun_for(std::chrono::seconds wait, RetryAfter form,
                                                                         FaultAnswer then);

class FaultServer {
 public:
  using Script = std::function<FaultAnswer(const FaultRequest& request, std::size_t count)>;

  FaultServer();                                              // listens on a free port of 127.0.0.1
  explicit FaultServer(const std::filesystem::path& socket);  // listens there instead, and has no URL
  ~FaultServer();                                             // breaks what is open
  FaultServer(const FaultServer&) = delete;
  FaultServer& operator=(const FaultServer&) = delete;

  std::string url(std::string_view path) const;  // "http://127.0.0.1:PORT/path"
  // The same server under another origin: "http://localhost:PORT/path".
  std::string other_origin_url(std::string_view path) const;

  // Answers for one path (compared without query), one a request; the last is repeated. Other paths answer
  // 404.
  void script(std::string path, std::vector<FaultAnswer> answers);
  // The same by a function; `count` is how many requests for this path came before. Runs on the server's
  // threads.
  void script(std::string path, Script script);

  std::vector<FaultRequest> requests(std::string_view path = {}) const;  // so far; all without a path
  std::size_t connections() const;                                       // accepted so far
  std::uint64_t bytes_sent() const;                                      // of bodies, as far as the kernel took them
  int most_at_once() const;  // requests that were being answered at one time

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace airlock::test
