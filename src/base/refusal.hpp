// What is wrong with something that only airlock itself writes: whoever takes it in refuses it, whatever it is.
#pragma once

#include <utility>

#include "base/error.hpp"

namespace airlock::base {

// The same failure under another code, for whom it means something else than to the one who noticed it.
inline Error with_code(const Error& error, ErrorCode code) {
  Error same(code, error.message());
  for (const std::string& line : error.context()) {
    same.with_context(line);
  }
  same.with_hint(error.hint());
  if (error.position()) {
    same.at(*error.position());
  }
  return same;
}

// Runs `function` on what only airlock writes: what is malformed there, or beyond a limit that airlock keeps to, leaves
// as tampered, because it was made so on purpose or damaged on the way.
template <typename Function>
decltype(auto) refusing_malformed(Function&& function) {
  try {
    return std::forward<Function>(function)();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::malformed && error.code() != ErrorCode::limit) {
      throw;
    }
    throw with_code(error, ErrorCode::tampered);
  }
}

}  // namespace airlock::base
