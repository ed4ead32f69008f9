// What registries say when they refuse (distribution-spec 1.1, "Error Codes").
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http/client.hpp"

namespace airlock::ecosystem::oci {

// "DENIED: requested access to the resource is denied", or the start of a text that is no error body;
// printable, in quotes, empty when the body is.
std::string registry_error_text(const http::Response& response);
bool has_error_code(const http::Response& response, std::string_view code);
// An Error for an answer that was not expected: 401/403 auth, 404/410 not_found, others upstream.
base::Error unexpected_answer(const http::Response& response, std::string_view what);

}  // namespace airlock::ecosystem::oci
