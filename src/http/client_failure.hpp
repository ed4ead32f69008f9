// Why an exchange did not come to its end, in words for people and in kinds for the retry logic.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace airlock::http {

struct TransferFailure {
  enum class Kind {
    transient,  // may mend itself
    brief,      // seldom does: a name that is not resolved
    permanent,
  };
  Kind kind = Kind::permanent;
  base::ErrorCode code = base::ErrorCode::network;
  std::string cause;
  std::string hint;
};

// What libcurl's code (a CURLcode) and its text for this transfer mean. `host` is host or host:port, for the
// hint.
TransferFailure describe_curl_failure(int curl_code, std::string_view text, std::string_view host);

}  // namespace airlock::http
