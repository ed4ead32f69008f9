// The table from errors to statuses, and the answers that the server gives by itself.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http/server.hpp"

namespace airlock::http {

int status_of(base::ErrorCode code);

// "not found (request 0123456789abcdef)": nothing of what happened inside.
ServerResponse error_response(int status, std::string_view request_id);
// With a reason that the server itself gives and that holds nothing of the site's.
ServerResponse refusal_response(int status, std::string_view reason);

std::string make_request_id();  // 16 hex characters

}  // namespace airlock::http
