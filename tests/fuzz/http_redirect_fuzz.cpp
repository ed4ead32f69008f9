// Where a server sends a request on to: the first line is the method, the second the Location, the rest the request's
// own fields, one a line. Nothing that says who asks goes to another origin, and nothing goes from https to http.
#include <algorithm>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/text.hpp"
#include "fuzz_target.hpp"
#include "http/client_redirect.hpp"

using namespace airlock;

namespace {

http::Hop first_hop(const std::vector<std::string>& lines, std::string_view from) {
  http::Hop hop;
  hop.method = lines[0];
  hop.url = base::Url::parse(from);
  for (std::size_t i = 2; i < lines.size(); ++i) {
    if (const auto colon = lines[i].find(": "); colon != std::string::npos && colon > 0) {
      hop.headers.add(lines[i].substr(0, colon), lines[i].substr(colon + 2));
    }
  }
  hop.headers.add("X-Token", "secret");
  return hop;
}

void check(const http::Hop& hop, const http::Hop& next, int status) {
  fuzz::require(next.url.scheme() == "https" || (next.url.scheme() == "http" && hop.url.scheme() == "http"),
                "what was private stays so");
  if (next.url.origin() != hop.url.origin()) {
    fuzz::require(!next.with_authorization && !next.headers.find("X-Token") && !next.headers.find("Authorization") &&
                      !next.headers.find("Cookie"),
                  "another origin does not learn who asks");
  }
  fuzz::require(!next.with_authorization || hop.with_authorization, "authorization does not come back");
  fuzz::require(next.body == http::Body::keep || next.method == "GET", "only a GET has lost its body");
  fuzz::require((status != 307 && status != 308) || next.method == hop.method, "these keep the method");
}

void follow(const std::vector<std::string>& lines, std::string_view from) {
  for (const int status : {301, 302, 303, 307, 308}) {
    http::Hop hop = first_hop(lines, from);
    http::Headers answer;
    answer.add("Location", lines.size() > 1 ? lines[1] : "");
    try {
      // A chain that goes on with the same answer, as a hostile server gives it.
      for (int i = 0; i < 3; ++i) {
        const http::Hop next = http::follow_redirect(hop, status, answer);
        check(hop, next, status);
        hop = next;
      }
    } catch (const base::Error& error) {
      fuzz::require(error.code() == base::ErrorCode::upstream, "it is the server's mistake");
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto lines = base::split(fuzz::as_text(data, size), '\n');
  if (lines.empty()) {
    return 0;
  }
  follow(lines, "https://user:secret@a.example:8443/b/c?d=e");
  follow(lines, "http://a.example/");
  return 0;
}
