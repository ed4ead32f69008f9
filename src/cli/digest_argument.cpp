#include "cli/digest_argument.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::cli {

using base::Digest;
using base::Error;
using base::ErrorCode;

Digest digest_argument(const std::string& text, std::string_view what) {
  try {
    return Digest::is_sha256_hex(text) ? Digest::parse_sha256_hex(text) : Digest::parse(text);
  } catch (const Error&) {
    throw Error(ErrorCode::usage, fmt::format("{} takes a digest, not '{}'", what, base::printable(text, 80)))
        .with_hint("sha256: and 64 hex digits, as `airlock bundle inspect --json` prints them");
  }
}

}  // namespace airlock::cli
