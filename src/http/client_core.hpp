// What send() and download() share: one request through limits and redirects to its final answer.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "http/client.hpp"
#include "http/client_exchange.hpp"
#include "http/client_redirect.hpp"
#include "http/client_retry.hpp"

namespace airlock::http {

// The body that goes with a request, if any.
struct RequestBody {
  std::string_view text;
  base::ByteSource* source = nullptr;
  std::optional<std::uint64_t> length;
  const std::function<void()>* rewind = nullptr;  // of source
};

// How a request is to be carried.
struct Manner {
  Redirects redirects = Redirects::follow;
  std::optional<std::chrono::seconds> patience;
  Wait wait = Wait::brief;
  const std::function<bool()>* given_up = nullptr;
};

// One try, redirects included.
struct Try {
  ExchangeResult result;
  Hop last;  // where the answer, or the failure, came from
};

struct ClientCore {
  explicit ClientCore(ClientOptions client_options);

  // Sends `hop` and what its redirects lead to; `receiver` sees the final answer only. Holds a place at the
  // gate of each origin while its exchange runs, unless its answer is held. Throws as run_exchange does, and upstream
  // for bad redirects.
  Try run(Hop hop, const base::Secret& authorization, const RequestBody& body, const Manner& manner,
          AnswerReceiver& receiver);

  ClientOptions options;
  RateLimiter rate;
  std::atomic<std::uint64_t> bytes_received{0};
  Origins origins;

 private:
  void note_overload(Origin& origin, const AnswerHead& head) const;
};

Downloaded run_download(ClientCore& client, const Download& download, base::ByteSink& sink,
                        const std::function<void(std::uint64_t total)>& on_length);  // as Client::download

// "GET https://host/path: cause (3 tries)" with the hint of `failure`.
base::Error transfer_error(const Hop& hop, const TransferFailure& failure, int tries);
std::string tries_text(int tries);  // " (3 tries)", "" for one
// The start of a text body for a message, on one line; "" for anything else.
std::string body_excerpt(const Headers& headers, std::string_view body);
// The code that an answer which was not wanted stands for: 401/403 auth, 404/410 not_found, others upstream.
base::ErrorCode error_code_of_status(int status);
base::Error status_error(const base::Url& url, int status, const Headers& headers, std::string_view body,
                         std::string_view what, int tries);

}  // namespace airlock::http
