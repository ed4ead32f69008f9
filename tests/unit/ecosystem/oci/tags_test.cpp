#include "ecosystem/oci/tags.hpp"

#include "support/catch.hpp"

namespace airlock::ecosystem::oci {

namespace {

const std::vector<std::string> k_tags = {"1.25.3", "1.25",   "1.25.10", "1",       "2.0",      "1.25.10-alpine",
                                         "latest", "1.25.2", "1.9.0",   "v1.26.0", "1.26-rc1", "nightly"};

using Tags = std::vector<std::string>;

}  // namespace

TEST_CASE("a pattern takes what it matches", "[oci][tags]") {
  CHECK(select_tags(k_tags, "1.25.?", {}) == Tags{"1.25.2", "1.25.3"});
  CHECK(select_tags(k_tags, "latest", {}) == Tags{"latest"});
  CHECK(select_tags(k_tags, "3.*", {}).empty());
}

TEST_CASE("the newest are the highest version numbers, not the last in the alphabet", "[oci][tags]") {
  CHECK(select_tags(k_tags, "1.*", 2) == Tags{"1.25.10", "1.25.3"});
  CHECK(select_tags(k_tags, "*", 2) == Tags{"2.0", "v1.26.0"});
  CHECK(select_tags(k_tags, "1.*", 0).empty());
}

TEST_CASE("flavours and pre-releases count where the pattern has a dash", "[oci][tags]") {
  CHECK(select_tags(k_tags, "1.*-alpine", 1) == Tags{"1.25.10-alpine"});
  CHECK(select_tags(k_tags, "1.26-*", 1) == Tags{"1.26-rc1"});
}

TEST_CASE("tags of signatures are not images", "[oci][tags]") {
  const std::string signature = "sha256-" + std::string(64, 'a') + ".sig";
  CHECK(select_tags({signature, "1.0"}, "*", {}) == Tags{"1.0"});
  CHECK(select_tags({signature, "1.0"}, "sha256-*", {}) == Tags{signature});
}

TEST_CASE("the tag for referrers is the digest in other letters", "[oci][tags]") {
  const base::Digest digest = base::sha256("x");
  CHECK(referrers_tag(digest) == "sha256-" + digest.hex());
  CHECK(is_referrers_tag(referrers_tag(digest)));
  CHECK(is_referrers_tag(referrers_tag(digest) + ".att"));
  CHECK_FALSE(is_referrers_tag("sha256-12"));
  CHECK_FALSE(is_referrers_tag("1.0"));
  base::Hasher hasher(base::HashAlgorithm::sha512);
  CHECK(referrers_tag(hasher.finish()).size() == 71);  // "Referrers Tag Schema": cut at 64 characters
}

}  // namespace airlock::ecosystem::oci
