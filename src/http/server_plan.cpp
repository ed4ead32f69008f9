#include "http/server_plan.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::http {

namespace {

// What a 304 repeats of the 200 that it stands for (RFC 9110, 15.4.5).
constexpr std::array<std::string_view, 5> k_fields_of_304{"cache-control", "content-location", "date", "expires",
                                                          "vary"};
// The server alone says how the message is framed.
constexpr std::array<std::string_view, 5> k_framing_fields{"connection", "content-length", "keep-alive",
                                                           "transfer-encoding", "upgrade"};

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, base::to_lower(name)) != names.end();
}

void check_fields(const Headers& headers) {
  for (const auto& [name, value] : headers.fields()) {
    const auto breaks = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
    if (name.empty() || std::ranges::any_of(name, breaks) || std::ranges::any_of(value, breaks)) {
      throw base::Error(base::ErrorCode::internal,
                        fmt::format("a handler set a header field '{}' that cannot be sent", base::printable(name)));
    }
  }
}

bool may_have_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

bool range_still_holds(const PlanRequest& request, const ServerResponse& response) {
  const auto condition = request.headers.find("If-Range");
  if (!condition) {
    return true;
  }
  if (condition->starts_with('"')) {
    return !response.entity_tag.empty() && *condition == fmt::format("\"{}\"", response.entity_tag);
  }
  const auto modified = response.headers.find("Last-Modified");
  return modified && *modified == *condition;
}

std::optional<std::uint64_t> body_size(const ServerResponse& response) {
  if (const auto* text = std::get_if<std::string>(&response.body)) {
    return text->size();
  }
  if (const auto* file = std::get_if<base::FileSlice>(&response.body)) {
    return file->length;
  }
  return std::nullopt;
}

void cut(ServerResponse& response, const ByteRange& range) {
  if (auto* text = std::get_if<std::string>(&response.body)) {
    *text = text->substr(static_cast<std::size_t>(range.first), static_cast<std::size_t>(range.length));
  } else if (auto* file = std::get_if<base::FileSlice>(&response.body)) {
    file->offset += range.first;
    file->length = range.length;
  }
}

void apply_range(const PlanRequest& request, ServerResponse& response) {
  const auto size = body_size(response);
  if (!size) {
    return;
  }
  response.headers.set("Accept-Ranges", "bytes");
  const auto field = request.headers.find("Range");
  if (request.method != "GET" || !field || !range_still_holds(request, response)) {
    return;
  }
  ByteRange range;
  switch (parse_range(*field, *size, range)) {
  case RangeVerdict::whole:
    return;
  case RangeVerdict::partial:
    response.status = 206;
    response.headers.set("Content-Range",
                         fmt::format("bytes {}-{}/{}", range.first, range.first + range.length - 1, *size));
    cut(response, range);
    return;
  case RangeVerdict::unsatisfiable:
    response.status = 416;
    response.headers.set("Content-Range", fmt::format("bytes */{}", *size));
    response.headers.remove("Content-Type");
    response.body = std::monostate{};
    return;
  }
}

void apply_conditions(const PlanRequest& request, ServerResponse& response) {
  if (response.status != 200 || (request.method != "GET" && request.method != "HEAD")) {
    return;
  }
  if (!response.entity_tag.empty()) {
    const std::string list = base::join(request.headers.all("If-None-Match"), ",");
    if (matches_entity_tag(list, response.entity_tag)) {
      Headers kept;
      for (const auto& [name, value] : response.headers.fields()) {
        if (is_one_of(name, k_fields_of_304)) {
          kept.add(name, value);
        }
      }
      response.status = 304;
      response.headers = std::move(kept);
      response.body = std::monostate{};
      return;
    }
  }
  apply_range(request, response);
}

void plan_body(const PlanRequest& request, ServerResponse& response, std::optional<std::uint64_t> declared,
               ResponsePlan& plan) {
  if (auto* text = std::get_if<std::string>(&response.body)) {
    plan.length = text->size();
    plan.body = BodyKind::text;
    plan.text = std::move(*text);
  } else if (auto* file = std::get_if<base::FileSlice>(&response.body)) {
    plan.length = file->length;
    plan.body = BodyKind::file;
    plan.file = std::move(*file);
  } else if (std::holds_alternative<std::monostate>(response.body)) {
    // A handler that answers HEAD itself says how long the body would be.
    plan.length = request.method == "HEAD" && declared ? declared : std::uint64_t{0};
  } else if (declared) {
    plan.length = declared;
    plan.body = BodyKind::counted_writer;
  } else if (request.version >= 11) {
    plan.body = BodyKind::chunked_writer;
  } else {
    plan.body = BodyKind::closing_writer;
    plan.close = true;
  }
}

}  // namespace

bool matches_entity_tag(std::string_view field, std::string_view tag) {
  while (!field.empty()) {
    field = base::trim(field);
    if (field.starts_with('*')) {
      return true;
    }
    if (field.starts_with("W/")) {
      field.remove_prefix(2);
    }
    if (field.starts_with('"')) {
      const std::size_t close = field.find('"', 1);
      if (close == std::string_view::npos) {
        return false;
      }
      if (field.substr(1, close - 1) == tag) {
        return true;
      }
      field.remove_prefix(close + 1);
    }
    const std::size_t comma = field.find(',');
    if (comma == std::string_view::npos) {
      return false;
    }
    field.remove_prefix(comma + 1);
  }
  return false;
}

ResponsePlan plan_response(const PlanRequest& request, ServerResponse& response) {
  check_fields(response.headers);
  const auto declared = content_length(response.headers);
  apply_conditions(request, response);

  ResponsePlan plan;
  plan.status = response.status;
  plan.close = !request.keep_alive;
  if (may_have_body(plan.status)) {
    plan_body(request, response, declared, plan);
  }
  for (const auto& [name, value] : response.headers.fields()) {
    if (!is_one_of(name, k_framing_fields)) {
      plan.headers.add(name, value);
    }
  }
  if (!response.entity_tag.empty() && plan.status < 400) {
    plan.headers.set("ETag", fmt::format("\"{}\"", response.entity_tag));
  }
  if (plan.length && may_have_body(plan.status)) {
    plan.headers.add("Content-Length", std::to_string(*plan.length));
  }
  if (plan.body == BodyKind::chunked_writer) {
    plan.headers.add("Transfer-Encoding", "chunked");
  }
  if (plan.close) {
    plan.headers.add("Connection", "close");
  } else if (request.version < 11) {
    plan.headers.add("Connection", "keep-alive");
  }
  if (request.method == "HEAD") {
    plan.body = BodyKind::none;
  }
  return plan;
}

std::string http_date(std::chrono::system_clock::time_point time) {
  const time_t seconds = std::chrono::system_clock::to_time_t(time);
  tm fields{};
  ::gmtime_r(&seconds, &fields);
  std::array<char, 40> text{};
  const std::size_t size = ::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &fields);
  return {text.data(), size};
}

std::string render_head(const ResponsePlan& plan, std::string_view date) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", plan.status, status_text(plan.status));
  if (!plan.headers.find("Date")) {
    head += fmt::format("Date: {}\r\n", date);
  }
  for (const auto& [name, value] : plan.headers.fields()) {
    head += fmt::format("{}: {}\r\n", name, value);
  }
  head += "\r\n";
  return head;
}

}  // namespace airlock::http
