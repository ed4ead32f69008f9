// Files of checksums as upstreams publish them. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/digest.hpp"

namespace airlock::ecosystem {

enum class ChecksumFormat {
  sha256sums,  // lines "HEX  NAME"
  single,      // one digest and nothing else
  bsd,         // lines "SHA256 (NAME) = HEX"
};

// The SHA-256 that `text` states for `file_name`; names in it may have a folder, "./" or "*" in front. nullopt when it
// states none; throws upstream when it states two different ones. Lines of other shapes, such as those for other
// algorithms, are passed over. A sha256sums file that is one bare digest counts as `single`.
std::optional<base::Digest> find_checksum(std::string_view text, ChecksumFormat format, std::string_view file_name);

}  // namespace airlock::ecosystem
