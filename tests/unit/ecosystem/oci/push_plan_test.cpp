#include "ecosystem/oci/push_plan.hpp"

#include "base/error.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::oci {

namespace {

// Indexes of which each lists the one before it.
RepositoryContent nested(int levels) {
  RepositoryContent content;
  base::Digest below = base::sha256("an image");
  for (int i = 0; i < levels; ++i) {
    StoredManifest manifest;
    manifest.digest = base::sha256(std::to_string(i));
    manifest.parsed.is_index = true;
    manifest.parsed.children.emplace_back().digest = below;
    below = manifest.digest;
    content.manifests.emplace(below, std::move(manifest));
  }
  return content;
}

}  // namespace

TEST_CASE("an index is pushed after those that it lists, to a limit", "[oci][push_plan]") {
  const auto order = nested(5).indexes();
  REQUIRE(order.size() == 5);
  for (std::size_t i = 0; i < order.size(); ++i) {
    CHECK(order[i] == base::sha256(std::to_string(i)));
  }
  // What no resolver takes and only a hostile bundle can hold: deep enough to exhaust the stack.
  CHECK(test::code_of([] { return nested(200'000).indexes(); }) == base::ErrorCode::limit);
}

}  // namespace airlock::ecosystem::oci
