// Redirects are followed here rather than in libcurl, so that credentials cannot cross to another origin.
#pragma once

#include <string>

#include "base/url.hpp"
#include "http/message.hpp"

namespace airlock::http {

inline constexpr int k_most_redirects = 10;

enum class Body { keep, drop };

// A request as it stands at one point of a chain of redirects.
struct Hop {
  std::string method;
  base::Url url;
  Headers headers;
  bool with_authorization = true;  // off for good once the chain has left the first origin
  Body body = Body::keep;
};

bool is_redirect(int status, const Headers& headers);  // 301, 302, 303, 307, 308 with a Location

// The next hop (RFC 9110, 15.4): 303, and 301 or 302 after POST, become GET without a body. To another origin
// go only those of the caller's fields that say nothing about who asks. Throws upstream: from https to http,
// to anything but http and https, a Location that is no URL.
Hop follow_redirect(const Hop& hop, int status, const Headers& headers);

}  // namespace airlock::http
