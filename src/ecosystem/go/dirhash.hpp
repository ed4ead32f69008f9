// "h1:", the hash of a module's files (golang.org/x/mod/sumdb/dirhash): it does not depend on how they are packed.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace airlock::ecosystem::go {

// Over names and the SHA-256 of contents. A name holds no line break.
std::string dirhash(const std::map<std::string, base::Digest>& files);

bool is_h1(std::string_view text);  // "h1:" and 32 bytes in base64

}  // namespace airlock::ecosystem::go
