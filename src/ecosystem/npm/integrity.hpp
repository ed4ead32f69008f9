// What registries and lock files say of a tarball's content (Subresource Integrity, ssri).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"

namespace airlock::ecosystem::npm {

// "sha512-BASE64 sha1-BASE64?option": every digest of an algorithm that we know; the others are left out. Throws
// malformed for a value that has not the length of its algorithm.
std::vector<base::Digest> parse_integrity(std::string_view text);
std::optional<base::Digest> strongest(const std::vector<base::Digest>& digests);
// Whether two statements can both be true: false when of the strongest algorithm that they share no value is the same.
// A weaker one does not count then, since it can be made to agree.
bool agree(const std::vector<base::Digest>& a, const std::vector<base::Digest>& b);

}  // namespace airlock::ecosystem::npm
