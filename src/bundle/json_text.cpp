#include "bundle/json_text.hpp"

#include <fmt/format.h>

#include "bundle/layout.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

std::string document_text(const OrderedJson& value) {
  return value.dump(2) + "\n";
}

void refuse_document(std::string_view name, const std::string& why) {
  throw Error(ErrorCode::tampered, fmt::format("{} is not acceptable: {}", name, why));
}

base::Json parse_document(std::string_view text, std::string_view name) {
  base::Json value = base::parse_json(text, name, {}, base::Numbers::integers);
  const std::uint64_t format = base::uint_member(value, "format", name);
  if (format > static_cast<std::uint64_t>(k_format)) {
    throw Error(ErrorCode::unsupported,
                fmt::format("{} has format {}, and this airlock reads {}", name, format, k_format))
        .with_hint("use the airlock that made the bundle, or a newer one");
  }
  return value;
}

}  // namespace airlock::bundle
