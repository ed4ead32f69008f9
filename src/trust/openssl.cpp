#include "trust/openssl.hpp"

#include <openssl/err.h>

namespace airlock::trust {

std::string take_openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

base::Error openssl_error(base::ErrorCode code, std::string message) {
  return {code, std::move(message) + ": " + take_openssl_reason()};
}

}  // namespace airlock::trust
