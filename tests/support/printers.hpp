// How Catch2 shows our types when a check fails.
#pragma once

#include <string>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "support/catch.hpp"

template <>
struct Catch::StringMaker<airlock::base::ErrorCode> {
  static std::string convert(airlock::base::ErrorCode code) {
    return std::string(airlock::base::error_code_info(code).name);
  }
};

template <>
struct Catch::StringMaker<airlock::base::Digest> {
  static std::string convert(const airlock::base::Digest& digest) { return digest.to_string(); }
};
