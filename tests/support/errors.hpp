// For tests of what is refused: the error itself, or only its code.
#pragma once

#include <utility>

#include "base/error.hpp"
#include "support/printers.hpp"

namespace airlock::test {

// The Error that `function` throws; the test fails when it throws none.
template <typename Function>
base::Error error_of(Function&& function) {
  try {
    static_cast<void>(std::forward<Function>(function)());
  } catch (const base::Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  throw base::Error(base::ErrorCode::internal, "unreachable");
}

template <typename Function>
base::ErrorCode code_of(Function&& function) {
  return error_of(std::forward<Function>(function)).code();
}

}  // namespace airlock::test
