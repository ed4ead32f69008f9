#include "workflow/unlisted_blobs.hpp"

#include <unordered_set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "bundle/layout.hpp"

namespace airlock::workflow {

namespace {

std::unordered_set<base::Digest> listed_by(const bundle::VerifiedBundle& verified) {
  std::unordered_set<base::Digest> listed;
  listed.reserve(verified.blobs().size());
  for (const auto& blob : verified.blobs()) {
    listed.insert(blob.sha256);
  }
  return listed;
}

}  // namespace

void refuse_unlisted_in_head_file(const bundle::VerifiedBundle& verified, const bundle::BlobMap& map) {
  const auto listed = listed_by(verified);
  map.for_each_in_head_file([&](const base::Digest& sha256) {
    if (!listed.contains(sha256)) {
      throw base::Error(base::ErrorCode::tampered,
                        fmt::format("'{}' is in the bundle, but not listed", bundle::blob_member_name(sha256)))
          .with_hint("somebody added to this file after it was signed: keep the medium, tell security, and have the "
                     "bundle copied afresh from its producer");
    }
  });
}

std::string tell_of_unlisted(const bundle::VerifiedBundle& verified, const bundle::BlobMap& map) {
  const auto listed = listed_by(verified);
  std::uint64_t unlisted = 0;
  map.for_each([&](const base::Digest& sha256, const bundle::BlobLocation&) { unlisted += !listed.contains(sha256); });
  return unlisted == 0 ? ""
                       : fmt::format("{} in its files that the bundle does not list, and that no import takes",
                                     unlisted == 1 ? "a blob lies" : fmt::format("{} blobs lie", unlisted));
}

}  // namespace airlock::workflow
