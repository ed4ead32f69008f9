// What a registry and its token service say beside manifests: tokens, error bodies, the Link to the next page.
#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/oci/registry_client.hpp"
#include "ecosystem/oci/registry_errors.hpp"
#include "ecosystem/oci/token_service.hpp"
#include "fuzz_target.hpp"

using namespace airlock;
using fuzz::require;

namespace {

void check_token(std::string_view body) {
  try {
    const auto issued = ecosystem::oci::parse_token_answer(body, "the answer");
    require(!issued.token.empty(), "a token says something");
    require(issued.token.reveal().find_first_of("\r\n") == std::string::npos, "and nothing else in a header");
    require(issued.lifetime.count() >= 60 && issued.lifetime.count() <= 3600, "it lives for a while");
  } catch (const base::Error& error) {
    require(error.code() == base::ErrorCode::upstream, "it is the service's fault");
  }
}

void check_error_text(std::string_view body) {
  http::Response response;
  response.status = 403;
  response.body = body;
  const std::string text = ecosystem::oci::registry_error_text(response);
  require(base::printable(text, text.size() * 8 + 16) == text, "an error's text is printable");
  static_cast<void>(ecosystem::oci::has_error_code(response, "DENIED"));
}

void check_link(std::string_view field) {
  const auto page = base::Url::parse("https://registry.example.com/v2/a/tags/list?n=1000");
  http::Headers headers;
  headers.add("Link", std::string(field));
  try {
    if (const auto next = ecosystem::oci::next_page(headers, page)) {
      require(next->origin() == page.origin(), "a list goes on where it began");
    }
  } catch (const base::Error&) {
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  check_token(text);
  check_error_text(text);
  check_link(text);
  return 0;
}
