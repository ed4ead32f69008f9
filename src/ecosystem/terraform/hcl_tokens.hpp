// HCL's native syntax cut into tokens: as much of it as reading configurations needs. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace airlock::ecosystem::terraform {

struct HclToken {
  enum class Kind {
    identifier,
    string,    // quoted, without anything to be evaluated in it: `text` is its value
    computed,  // a string with ${…} or %{…} in it, a heredoc, or a number: nothing here needs its value
    symbol,    // one character, in `text`
    newline,
    end,
  };
  Kind kind = Kind::end;
  std::string text;
  int line = 1, column = 1;  // in bytes, from 1
};

// The last token is `end`. Throws manifest with a position for what is no HCL, limit beyond 4 MiB or 1,000,000 tokens.
std::vector<HclToken> hcl_tokens(std::string_view text, const std::string& file);

}  // namespace airlock::ecosystem::terraform
