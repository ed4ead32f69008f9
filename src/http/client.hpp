// The client side: one request at a time on the calling thread, connections reused, hosts treated kindly.
// Thread-safe: many threads send through one Client.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"
#include "http/message.hpp"

namespace airlock::http {

// How one host is to be treated; keyed by "host" or "host:port" in ClientOptions.
struct HostOptions {
  std::filesystem::path ca_file;      // PEM, added to the system's
  std::filesystem::path client_cert;  // PEM
  std::filesystem::path client_key;   // PEM
  std::string proxy;                  // overrides the environment; "direct" for none
  bool insecure_tls = false;          // certificate not checked; only on the user's explicit word
  // A local service behind a socket in the file system; the URL's host then only names it.
  std::filesystem::path unix_socket;
};

struct ClientOptions {
  std::string user_agent;         // default "airlock/VERSION"
  std::filesystem::path ca_file;  // PEM, added to the system's, for all hosts
  std::map<std::string, HostOptions> hosts;
  std::chrono::seconds connect_timeout{20};
  std::chrono::seconds stall_timeout{30};  // a body slower than 100 bytes/s for this long is a transient failure
  int max_transfers_per_host = 16;         // ceiling of the adaptive limit
  int initial_transfers_per_host = 4;
  int retries = 5;  // after the first try; only for what is transient
  std::chrono::milliseconds first_backoff{250};
  std::chrono::seconds longest_wait{120};  // a Retry-After beyond it fails at once with what the server said
  std::uint64_t rate_limit = 0;            // bytes/s over all transfers; 0 for none
};

// held: the server is asked to hold its answer until it has something to say. Such a request takes no place among the
// host's transfers, and neither heeds nor moves their limit. Once its answer has begun to come, an interrupt waits for
// the rest: what it says may be given to nobody else.
enum class Wait { brief, held };

enum class Redirects { follow, refuse };  // refuse: the redirect itself is the response

struct Request {
  std::string method = "GET";
  base::Url url;
  Headers headers;
  base::Secret authorization;  // value of Authorization; sent to `url`'s origin only, never across a redirect
  std::string body;            // small bodies
  // Or a large one, borrowed; no retry once it was read, unless `rewind_body` puts it back at its first byte.
  base::ByteSource* body_source = nullptr;
  std::function<void()> rewind_body;
  std::optional<std::uint64_t> body_length;  // of body_source; without it the body is chunked
  // At most 10, http(s) only, never from https to http. To another origin go only fields that say nothing
  // about who asks (Accept, Range, …).
  Redirects redirects = Redirects::follow;
  std::size_t body_limit = 16 * 1024 * 1024;  // of the response; more throws limit
  // How long next to nothing may move; without it as long as ClientOptions says, and ten times that while a server
  // works through a body.
  std::optional<std::chrono::seconds> patience;
  Wait wait = Wait::brief;
  bool retry = true;  // transient failures: connection trouble, 408, 425, 429, 500, 502, 503, 504
  // Asked while the answer is waited for, at least about once a second; true ends this request as an interrupt would.
  std::function<bool()> given_up;
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;
  base::Url url;  // after redirects
};

// Bytes of one download that are wanted, with what is known of them.
struct Download {
  base::Url url;
  Headers headers;
  // Called before each try and again after a 401 with its challenge; the result is the Authorization value.
  std::function<base::Secret(const Response* unauthorized)> authorize;
  std::uint64_t offset = 0;             // first byte wanted
  std::optional<std::uint64_t> length;  // bytes wanted from there; without it, to the end
  std::optional<std::uint64_t> total;   // length of the whole where it is known; a different one throws upstream
  bool proven =
      true;  // a digest will tell; else a body that breaks off goes on only where the server names its version
};

// A sink of a part that can be had in another way. Told before the first byte of each answer that brings the whole
// although a part was asked for: all that lies before the part, or behind it, is then sent for nothing. What it throws
// ends the download, before a byte of that answer is taken.
class PartSink : public base::ByteSink {
 public:
  virtual void on_whole() = 0;
};

struct Downloaded {
  Headers headers;             // of the first answer; none where no byte was wanted
  base::Url url;               // after redirects
  std::uint64_t received = 0;  // bytes over the network, retries included
};

class Client {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Any HTTP status is data, also a transient one that stayed after all retries. Throws network (nothing
  // answered, after retries; the message names host and cause), upstream (bad redirect, broken answer),
  // limit, config (a certificate file that cannot be used), usage (no http URL, a field with a line break),
  // interrupted.
  Response send(const Request& request);

  // One try without retries, whose answer goes to `sink` as it comes where its status is 2xx; any other answer is in
  // the result's body, up to `request.body_limit`. For answers that last as long as something else does; see
  // ClientOptions::stall_timeout. Throws as send does, and what the sink throws.
  Response stream(const Request& request, base::ByteSink& sink);

  // Sends the wanted bytes to `sink` in order, each exactly once. A body that breaks off continues with Range
  // and If-Range where the server gave a strong validator; where it ignores Range, a PartSink is told, and what
  // is already there is skipped by count; a validator that changed between ranges throws upstream, as the content
  // would be a mixture. Statuses: 404/410 throw not_found, 401/403 auth, other refusals upstream; 429/503 wait as
  // Retry-After says. `on_length` is told the length of the whole as soon as it is known, before the first
  // byte. The sink may be slow, but must not wait for another transfer of the same host: that one may be
  // waiting for this one's place.
  Downloaded download(const Download& download, base::ByteSink& sink,
                      const std::function<void(std::uint64_t total)>& on_length = {});

  // Bytes received in bodies by all requests so far, retries included.
  std::uint64_t bytes_received() const;
  // How many transfers the adaptive limit allows for this origin right now: rises while throughput rises,
  // halves on 429 and 503.
  int transfers_allowed(const base::Url& url) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

// "200 OK" as needed, else an Error that names the URL (redacted), the status and the start of a text body:
// 401/403 auth, 404/410 not_found, others upstream.
void expect_status(const Response& response, std::initializer_list<int> accepted, std::string_view what);

}  // namespace airlock::http
