#include "ecosystem/oci/registry_errors.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::oci {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

struct RegistryError {
  std::string code;
  std::string message;
};

std::vector<RegistryError> read_errors(const std::string& body) {
  std::vector<RegistryError> result;
  try {
    const Json object = base::parse_json(body, "error body", {.bytes = 64 * 1024, .depth = 16, .members = 1000});
    for (const Json& item : base::member(object, "errors", "error body")) {
      result.push_back({base::string_member_or(item, "code", "", "error body"),
                        base::string_member_or(item, "message", "", "error body")});
    }
  } catch (const Error&) {
    // Proxies and load balancers answer with pages of their own; those are shown as text.
    result.clear();
  }
  return result;
}

}  // namespace

std::string registry_error_text(const http::Response& response) {
  std::vector<std::string> parts;
  for (const RegistryError& error : read_errors(response.body)) {
    parts.push_back(error.message.empty() ? error.code : error.code + ": " + error.message);
  }
  const std::string text = parts.empty() ? std::string(base::trim(response.body)) : base::join(parts, "; ");
  return text.empty() ? "" : fmt::format("\"{}\"", base::printable(text, 300));
}

bool has_error_code(const http::Response& response, std::string_view code) {
  for (const RegistryError& error : read_errors(response.body)) {
    if (error.code == code) {
      return true;
    }
  }
  return false;
}

Error unexpected_answer(const http::Response& response, std::string_view what) {
  ErrorCode code = ErrorCode::upstream;
  if (response.status == 401 || response.status == 403) {
    code = ErrorCode::auth;
  } else if (response.status == 404 || response.status == 410) {
    code = ErrorCode::not_found;
  }
  const std::string said = registry_error_text(response);
  Error error(code, fmt::format("{}: {} answered {}{}{}", what, response.url.redacted(), response.status,
                                said.empty() ? "" : " ", said));
  if (response.status == 429) {
    error.with_hint("the registry limits how much may be asked in a time; wait, or log in for a higher limit");
  }
  return error;
}

}  // namespace airlock::ecosystem::oci
