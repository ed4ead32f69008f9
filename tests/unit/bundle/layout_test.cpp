#include "base/tar.hpp"
#include "bundle/head_members.hpp"
#include "bundle/layout.hpp"
#include "support/errors.hpp"

using namespace airlock;
using namespace airlock::bundle;

TEST_CASE("names of blob members can be taken apart again", "[bundle][layout]") {
  const base::Digest digest = base::sha256("x");
  CHECK(blob_member_name(digest) == "blobs/sha256/" + digest.hex());
  CHECK(parse_blob_member(blob_member_name(digest))->sha256 == digest);
  CHECK(parse_blob_member(blob_member_name(digest))->part == 0);
  CHECK(blob_member_name(digest, 12) == "blobs/sha256/" + digest.hex() + ".p0012");
  CHECK(parse_blob_member(blob_member_name(digest, 12))->part == 12);
}

TEST_CASE("what is nearly the name of a blob member is none", "[bundle][layout]") {
  const std::string hex = base::sha256("x").hex();
  const std::string upper = "blobs/sha256/" + std::string(64, 'A');
  const auto name = GENERATE_COPY(values<std::string>(
      {"", hex, "blobs/" + hex, "blobs/sha256/" + hex.substr(1), "blobs/sha256/" + hex + "0", upper,
       "blobs/sha256/" + hex + ".p", "blobs/sha256/" + hex + ".p1", "blobs/sha256/" + hex + ".p0000",
       "blobs/sha256/" + hex + ".p00001", "blobs/sha256/" + hex + ".p-001", "blobs/sha256/" + hex + ".P0001",
       "blobs/sha256/" + hex + ".p0001x"}));
  CHECK_FALSE(parse_blob_member(name));
}

TEST_CASE("a digest goes in front of the last component of a target's name", "[bundle][layout]") {
  const base::Digest digest = base::sha256("x");
  CHECK(consistent_name("a/b/c.json", digest) == "a/b/" + digest.hex() + ".c.json");
  CHECK(consistent_name("SHA256SUMS", digest) == digest.hex() + ".SHA256SUMS");
  for (const std::string target : {"a/b/c.json", "SHA256SUMS"}) {
    const auto parsed = parse_consistent_name(consistent_name(target, digest));
    REQUIRE(parsed);
    CHECK(parsed->target == target);
    CHECK(parsed->sha256 == digest);
  }
  CHECK_FALSE(parse_consistent_name("a/b/c.json"));
  CHECK_FALSE(parse_consistent_name("a/" + digest.hex()));
  CHECK_FALSE(parse_consistent_name("a/" + digest.hex() + "."));
  CHECK_FALSE(parse_consistent_name("a/" + std::string(64, 'F') + ".b"));
}

TEST_CASE("the longest names fit a tar header", "[bundle][layout]") {
  const std::string ecosystem(k_ecosystem_name_limit, 'e');
  REQUIRE(is_ecosystem_name(ecosystem));
  const std::string name =
      std::string(k_targets_prefix) + consistent_name(catalog_target(ecosystem, 99), base::sha256("x"));
  CHECK(name.size() <= 100);
  CHECK_NOTHROW(base::tar_header(name, 1, 0));
  CHECK(k_catalogs_per_ecosystem * k_rows_per_catalog == k_row_limit);
}

TEST_CASE("names of sets and volumes", "[bundle][layout]") {
  CHECK(bundle_stem("site-a", 7, 1) == "site-a-7");
  CHECK(bundle_stem("site-a", 7, 2) == "site-a-7-s2");
  CHECK(volume_file_name("site-a-7", 1) == "site-a-7.v001.tar");
  CHECK(volume_file_name("site-a-7", 1234) == "site-a-7.v1234.tar");
}

TEST_CASE("names of channels and ecosystems follow their grammar", "[bundle][layout]") {
  CHECK(is_channel_name("a"));
  CHECK(is_channel_name("0site-a"));
  CHECK(is_channel_name(std::string(63, 'a')));
  CHECK_FALSE(is_channel_name(""));
  CHECK_FALSE(is_channel_name(std::string(64, 'a')));
  CHECK_FALSE(is_channel_name("-a"));
  CHECK_FALSE(is_channel_name("Site"));
  CHECK_FALSE(is_channel_name("a/b"));
  CHECK_FALSE(is_channel_name("a.b"));
  CHECK(is_ecosystem_name("terraform"));
  CHECK_FALSE(is_ecosystem_name("bundle"));  // a site keeps rows of its own under it
  CHECK_FALSE(is_ecosystem_name("0a"));
  CHECK_FALSE(is_ecosystem_name("elevenchars"));
}

TEST_CASE("a member's part of the head is told by its name", "[bundle][layout]") {
  const std::string hex = base::sha256("x").hex();
  CHECK(head_part("airlock.json") == HeadPart::hint);
  CHECK(head_part("metadata/1.root.json") == HeadPart::metadata);
  CHECK(head_part("metadata/timestamp.json") == HeadPart::metadata);
  CHECK(head_part("metadata/12.terraform.json") == HeadPart::metadata);
  CHECK(head_part("metadata/shipment.dsse.json") == HeadPart::shipment);
  CHECK(head_part("metadata/room") == HeadPart::room);
  CHECK(head_part("targets/" + hex + ".SHA256SUMS") == HeadPart::target);
  CHECK(head_part("blobs/sha256/" + hex) == HeadPart::blob);
  for (const std::string name : {"metadata/root.json", "metadata/01.root.json", "metadata/0.root.json",
                                 "metadata/1.timestamp.json", "metadata/1.root.json.bak", "metadata/-1.root.json",
                                 "metadata/11111111111111111.root.json", "metadata/1.Root.json", "targets/SHA256SUMS",
                                 "airlock.json.x", "etc/passwd", "metadata/", "metadata/1.x/y.json"}) {
    CHECK_FALSE(head_part(name));
  }
}
