// What an item means: which rows it takes out of service.
#include "support/catch.hpp"
#include "support/errors.hpp"

#include "base/digest.hpp"
#include "model/item.hpp"

using namespace airlock::model;
using airlock::base::ErrorCode;
using airlock::test::code_of;

namespace {

FileRow row_of(std::string ecosystem, std::string path, std::string artifact, std::string media_type = "",
               Kind kind = Kind::file) {
  FileRow row;
  row.ecosystem = std::move(ecosystem);
  row.path = std::move(path);
  row.artifact = std::move(artifact);
  row.media_type = std::move(media_type);
  row.kind = kind;
  row.sha256 = airlock::base::sha256(row.path);
  return row;
}

bool matches(std::string_view item, const FileRow& row) {
  return Item::parse(item).matches(row);
}

}  // namespace

TEST_CASE("a digest means its content, wherever it stands", "[model][item]") {
  const auto row = row_of("file", "docs/guide.txt", "pkg:generic/guide.txt@1.0.0");
  CHECK(matches(row.sha256->to_string(), row));
  CHECK(matches(row.sha256->hex(), row));
  CHECK(Item::parse(row.sha256->hex()).text() == row.sha256->to_string());
  CHECK_FALSE(matches(airlock::base::sha256("other").to_string(), row));
}

TEST_CASE("a package URL means what it does not leave open", "[model][item]") {
  const auto row = row_of("npm", "@scope/name/-/name-1.0.0.tgz", "pkg:npm/%40scope/name@1.0.0");
  CHECK(matches("pkg:npm/%40scope/name@1.0.0", row));
  CHECK(matches("pkg:npm/%40scope/name", row));
  CHECK_FALSE(matches("pkg:npm/%40scope/name@1.0", row));
  CHECK_FALSE(matches("pkg:npm/%40scope/nam", row));
  CHECK_FALSE(matches("pkg:npm/name", row));
  const auto variant = row_of("tool", "t/1/x", "pkg:generic/t@1?arch=amd64");
  CHECK(matches("pkg:generic/t@1", variant));
  CHECK(matches("pkg:generic/t@1?arch=amd64", variant));
  CHECK_FALSE(matches("pkg:generic/t@1?arch=arm64", variant));
}

TEST_CASE("a name means all of its versions, or one", "[model][item]") {
  const auto row = row_of("npm", "@scope/name/-/name-1.0.0.tgz", "pkg:npm/%40scope/name@1.0.0");
  CHECK(matches("npm:@scope/name", row));
  CHECK(matches("npm:@scope/name@1.0.0", row));
  CHECK_FALSE(matches("npm:@scope/name@1.0.1", row));
  CHECK_FALSE(matches("npm:name", row));
  // A name means what an index is made from, too; a package URL the files alone.
  const auto object = row_of("npm", "@scope/name/1.0.0", row.artifact, "application/json", Kind::meta);
  CHECK(matches("npm:@scope/name", object));
  CHECK_FALSE(matches("pkg:npm/%40scope/name", object));
  CHECK_FALSE(matches("pypi:@scope/name", row));
  CHECK(matches("file:docs/guide.txt", row_of("file", "docs/guide.txt", "pkg:generic/guide.txt@1")));
}

TEST_CASE("an item without a version is known as one", "[model][item]") {
  for (const std::string text : {"npm:left-pad", "npm:@scope/name", "pkg:npm/%40scope/name", "file:docs/guide.txt",
                                 "oci:registry.example:5000/team/app", "oci:app"}) {
    CAPTURE(text);
    CHECK(Item::parse(text).is_unversioned());
  }
  for (const std::string text : {"npm:left-pad@1.3.0", "pkg:npm/left-pad@1.3.0", "oci:registry.example:5000/team/app:1",
                                 "oci:app:1", "oci:registry.example/app@sha256:00"}) {
    CAPTURE(text);
    CHECK_FALSE(Item::parse(text).is_unversioned());
  }
  CHECK_FALSE(Item::parse(airlock::base::sha256("x").to_string()).is_unversioned());
}

TEST_CASE("of an image its tags and manifests are meant", "[model][item]") {
  const std::string artifact =
      "pkg:oci/debian@sha256:" + std::string(64, 'a') + "?repository_url=registry.example:5000/library/debian&tag=12";
  const std::string repository = "registry.example_5000/library/debian";
  const std::string manifest_type = "application/vnd.oci.image.manifest.v1+json";
  const auto manifest = row_of("oci", repository + "@sha256:" + std::string(64, 'a'), artifact, manifest_type);
  const auto tag = row_of("oci", repository + ":12", artifact, manifest_type, Kind::tag);
  const auto layer = row_of("oci", repository + "@sha256:" + std::string(64, 'b'), artifact,
                            "application/vnd.oci.image.layer.v1.tar+gzip");
  for (const std::string item :
       {"oci:registry.example:5000/library/debian:12", "oci:registry.example:5000/library/debian",
        "pkg:oci/debian@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    CAPTURE(item);
    CHECK(matches(item, manifest));
    CHECK(matches(item, tag));
    CHECK_FALSE(matches(item, layer));
  }
  CHECK(matches(layer.sha256->hex(), layer));
  CHECK_FALSE(matches("oci:registry.example:5000/library/debian:13", manifest));
  CHECK_FALSE(matches("oci:registry.example:5000/library/debian:1", tag));
  CHECK_FALSE(matches("oci:registry.example:5000/library/deb", manifest));
}

TEST_CASE("a package URL that cannot be read matches no name, and hinders no other", "[model][item]") {
  const std::string artifact = GENERATE(as<std::string>(), "pkg:generic/docs/%ff", "pkg:generic/a%zz", "pkg:", "");
  const auto row = row_of("file", "docs/b.txt", artifact);
  CHECK_FALSE(matches("file:docs/a.txt", row));
  CHECK_FALSE(matches("pkg:generic/docs/a.txt", row));
  CHECK(matches("file:docs/b.txt", row));
  const auto manifest = row_of("oci", "registry.example/debian@sha256:" + std::string(64, 'a'), artifact,
                               "application/vnd.oci.image.manifest.v1+json");
  CHECK_FALSE(matches("oci:registry.example/debian:12", manifest));
  CHECK(matches("oci:registry.example/debian", manifest));
}

TEST_CASE("what names nothing is refused", "[model][item]") {
  for (const std::string text : {"", "left-pad", "npm:", "sha256:00", "pkg:", "pkg:npm", "a b:c", "Npm:x", "npm:x\n"}) {
    CAPTURE(text);
    CHECK(code_of([&] { return Item::parse(text); }) == ErrorCode::usage);
  }
  CHECK(code_of([&] { return Item::parse("npm:" + std::string(2000, 'a')); }) == ErrorCode::usage);
}
