// What is really sent for a handler's response: conditions, ranges, HEAD, and the fields that frame it. Pure,
// no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http/server.hpp"

namespace airlock::http {

enum class BodyKind { none, text, file, counted_writer, chunked_writer, closing_writer };

struct ResponsePlan {
  int status = 200;
  Headers headers;  // complete, in the order of sending
  BodyKind body = BodyKind::none;
  std::string text;                     // with BodyKind::text, already cut to the range
  base::FileSlice file;                 // with BodyKind::file, already cut to the range
  std::optional<std::uint64_t> length;  // of the body; of a counted writer what it promised
  bool close = false;                   // the connection ends with this response
};

struct PlanRequest {
  const std::string& method;
  int version = 11;
  const Headers& headers;
  bool keep_alive = true;
};

// If-None-Match, If-Range and Range (RFC 9110, 13 and 14) apply to a 200 for GET and HEAD. Takes the body out
// of `response`, a writer excepted, which the caller runs. A header field of the handler with a line break in
// it throws internal.
ResponsePlan plan_response(const PlanRequest& request, ServerResponse& response);

// The status line and header as they go over the wire. `date`: now, as an HTTP date.
std::string render_head(const ResponsePlan& plan, std::string_view date);
std::string http_date(std::chrono::system_clock::time_point time);

// Whether `tag` (without quotes) is in an If-None-Match list; weak comparison, "*" matches all.
bool matches_entity_tag(std::string_view field, std::string_view tag);

}  // namespace airlock::http
