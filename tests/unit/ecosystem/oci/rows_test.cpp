#include "ecosystem/oci/rows.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::oci {

TEST_CASE("paths are read back as they were made", "[oci][rows]") {
  const base::Digest a = base::sha256("a");
  const base::Digest b = base::sha256("b");
  const std::string repository = repository_path(parse_reference("registry.example:5000/team/app"));
  CHECK(repository == "registry.example_5000/team/app");
  for (const std::string& path : {tag_path(repository, "1.0"), digest_path(repository, a),
                                  referrer_path(repository, a, b), referrer_path("quay.io/x/referrers", a, b)}) {
    const std::optional<RowPath> parsed = parse_row_path(path);
    REQUIRE(parsed);
    CHECK(parsed->to_string() == path);
    CHECK_NOTHROW(model::check_path(path, "test"));
  }
  CHECK(parse_row_path("quay.io/x/referrers:1")->repository == "quay.io/x/referrers");
}

TEST_CASE("other paths are not ours", "[oci][rows]") {
  for (const char* path : {"", "x", "quay.io/x", "quay.io/X:1", "quay.io/x@sha256:12", "quay.io/x:", ":1",
                           "@sha256:", "quay.io/x/referrers/sha256:1/sha256:2"}) {
    CHECK_FALSE(parse_row_path(path));
  }
}

TEST_CASE("the package URL names repository and tag", "[oci][rows]") {
  const base::Digest digest = base::sha256("x");
  const std::string purl = image_purl(parse_reference("registry.example:5000/team/app"), digest, "1.0");
  CHECK(purl == "pkg:oci/app@sha256:" + digest.hex() + "?repository_url=registry.example:5000/team/app&tag=1.0");
  CHECK(image_purl(parse_reference("debian"), digest, "").find("tag=") == std::string::npos);
}

}  // namespace airlock::ecosystem::oci
