#include "http/client_redirect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::http {

namespace {

using base::Error;
using base::ErrorCode;

// An allow-list, because the names under which sites carry tokens cannot all be known.
constexpr std::array<std::string_view, 11> k_harmless_fields{
    "accept",   "accept-encoding", "accept-language",   "user-agent",    "range",       "if-range",
    "if-match", "if-none-match",   "if-modified-since", "cache-control", "content-type"};

bool is_harmless(std::string_view name) {
  return std::ranges::find(k_harmless_fields, base::to_lower(name)) != k_harmless_fields.end();
}

base::Url resolve_location(const base::Url& from, const std::string& location) {
  try {
    return from.resolve(location);
  } catch (const Error&) {
    throw Error(ErrorCode::upstream, fmt::format("{} redirects to something that is not a URL", from.redacted()));
  }
}

}  // namespace

bool is_redirect(int status, const Headers& headers) {
  const bool redirects = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  return redirects && headers.find("Location").has_value();
}

Hop follow_redirect(const Hop& hop, int status, const Headers& headers) {
  Hop next = hop;
  next.url = resolve_location(hop.url, headers.find("Location").value_or(""));
  if (next.url.scheme() != "https" && next.url.scheme() != "http") {
    throw Error(ErrorCode::upstream, fmt::format("{} redirects to the scheme '{}', which is not followed",
                                                 hop.url.redacted(), next.url.scheme()));
  }
  if (hop.url.scheme() == "https" && next.url.scheme() == "http") {
    throw Error(ErrorCode::upstream, fmt::format("{} redirects from https to plain http ({}), which is not followed",
                                                 hop.url.redacted(), next.url.redacted()));
  }
  const bool read_only = hop.method == "GET" || hop.method == "HEAD";
  if (!read_only && (status == 303 || (hop.method == "POST" && (status == 301 || status == 302)))) {
    next.method = "GET";
    next.body = Body::drop;
    next.headers.remove("Content-Type");
  }
  if (next.url.origin() != hop.url.origin()) {
    next.with_authorization = false;
    Headers harmless;
    for (const auto& [name, value] : next.headers.fields()) {
      if (is_harmless(name)) {
        harmless.add(name, value);
      }
    }
    next.headers = std::move(harmless);
  }
  return next;
}

}  // namespace airlock::http
