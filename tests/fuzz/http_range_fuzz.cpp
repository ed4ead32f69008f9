// Range, Content-Range, WWW-Authenticate, If-None-Match and Retry-After: fields that come from the other
// side. The first eight bytes are the length of the whole.
#include <cstring>

#include "fuzz_target.hpp"
#include "http/client_content_range.hpp"
#include "http/client_retry.hpp"
#include "http/message.hpp"
#include "http/server_plan.hpp"

using namespace airlock;
using fuzz::require;

namespace {

void check_range(std::string_view field, std::uint64_t total) {
  http::ByteRange range;
  if (http::parse_range(field, total, range) == http::RangeVerdict::partial) {
    require(range.length > 0 && range.first < total && range.length <= total - range.first, "inside the whole");
  }
}

void check_content_range(std::string_view field) {
  const auto range = http::parse_content_range(field);
  if (!range) {
    return;
  }
  require(range->first || range->total, "it says something");
  require(!range->first || *range->first <= range->last, "forwards");
  require(!range->first || !range->total || range->last < *range->total, "inside the whole");
}

void check_challenges(std::string_view field) {
  for (const http::Challenge& challenge : http::parse_challenges(field)) {
    require(!challenge.scheme.empty(), "a scheme has a name");
    for (const auto& [name, value] : challenge.parameters) {
      require(!name.empty(), "a parameter has a name");
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint64_t total = 0;
  if (size < sizeof total) {
    return 0;
  }
  std::memcpy(&total, data, sizeof total);
  const std::string_view field = fuzz::as_text(data, size).substr(sizeof total);
  check_range(field, total);
  check_range(field, total % 64);
  check_content_range(field);
  check_challenges(field);
  http::matches_entity_tag(field, "tag");
  const auto wait = http::retry_after({{"Retry-After", std::string(field)}}, {});
  require(!wait || wait->count() >= 0, "no wait is negative");
  return 0;
}
