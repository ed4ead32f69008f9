#include "workflow/unlisted_blobs.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "bundle/layout.hpp"

namespace airlock::workflow {

void refuse_unlisted_in_head_file(const bundle::BlobMap& map) {
  if (const auto& sha256 = map.unlisted_in_head_file()) {
    throw base::Error(base::ErrorCode::tampered,
                      fmt::format("'{}' is in the bundle, but not listed", bundle::blob_member_name(*sha256)))
        .with_hint("somebody added to this file after it was signed: keep the medium, tell security, and have the "
                   "bundle copied afresh from its producer");
  }
}

std::string tell_of_unlisted(const bundle::BlobMap& map) {
  const std::size_t count = map.unlisted();
  if (count == 0) {
    return "";
  }
  constexpr std::size_t most = bundle::BlobMap::k_unlisted_counted;
  const std::string blobs = count == 1      ? "a blob lies"
                            : count >= most ? fmt::format("{} blobs or more lie", most)
                                            : fmt::format("{} blobs lie", count);
  return fmt::format("{} in its files that the bundle does not list, and that no import takes", blobs);
}

}  // namespace airlock::workflow
