#include "http/server_errors.hpp"

#include <fmt/format.h>

#include "base/secret.hpp"
#include "base/text.hpp"

namespace airlock::http {

int status_of(base::ErrorCode code) {
  using base::ErrorCode;
  switch (code) {
  case ErrorCode::not_found:
    return 404;
  case ErrorCode::usage:
  case ErrorCode::malformed:
    return 400;
  case ErrorCode::limit:
    return 413;
  case ErrorCode::auth:
  case ErrorCode::untrusted:
    return 403;
  case ErrorCode::conflict:
    return 409;
  case ErrorCode::unsupported:
    return 501;
  case ErrorCode::busy:
  case ErrorCode::interrupted:
    return 503;
  case ErrorCode::no_space:
    return 507;
  default:
    return 500;
  }
}

ServerResponse error_response(int status, std::string_view request_id) {
  auto response =
      ServerResponse::text(status, fmt::format("{} (request {})\n", base::to_lower(status_text(status)), request_id));
  response.headers.set("X-Request-Id", std::string(request_id));
  if (status == 503) {
    response.headers.set("Retry-After", "1");
  }
  return response;
}

ServerResponse refusal_response(int status, std::string_view reason) {
  return ServerResponse::text(status, fmt::format("{}: {}\n", base::to_lower(status_text(status)), reason));
}

std::string make_request_id() {
  const std::string bytes = base::random_bytes(8);
  return base::to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

ServerResponse ServerResponse::text(int status, std::string body, std::string content_type) {
  ServerResponse response;
  response.status = status;
  response.headers.set("Content-Type", std::move(content_type));
  response.body = std::move(body);
  return response;
}

ServerResponse ServerResponse::json(int status, std::string body) {
  return text(status, std::move(body), "application/json");
}

ServerResponse ServerResponse::file(base::FileSlice slice, std::string content_type, std::string entity_tag) {
  ServerResponse response;
  response.headers.set("Content-Type", std::move(content_type));
  response.body = std::move(slice);
  response.entity_tag = std::move(entity_tag);
  return response;
}

}  // namespace airlock::http
