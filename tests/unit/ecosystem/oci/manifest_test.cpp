#include "ecosystem/oci/manifest.hpp"

#include "base/text.hpp"
#include "images.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::oci {

using base::ErrorCode;

namespace {

Manifest parse(const Json& value, std::string_view type = "") {
  return parse_manifest(value.dump(), type, "test");
}

ErrorCode refusal(const Json& value, std::string_view type = "") {
  return test::code_of([&] { return parse(value, type); });
}

}  // namespace

TEST_CASE("an OCI image manifest is read", "[oci][manifest]") {
  Json value = image("config", "layer");
  value["annotations"] = {{"a", "b"}};
  const Manifest manifest = parse(value, "application/vnd.oci.image.manifest.v1+json; charset=utf-8");
  CHECK_FALSE(manifest.is_index);
  CHECK(manifest.media_type == k_oci_manifest);
  CHECK(manifest.config->digest == base::sha256("config"));
  REQUIRE(manifest.layers.size() == 1);
  CHECK(manifest.layers[0].size == 5);
  CHECK(manifest.annotations.at("a") == "b");
  CHECK(manifest.artifact_type == k_config_type);
}

TEST_CASE("Docker's schema 2 is read as what it is", "[oci][manifest]") {
  Json value = image("c", "l");
  value["mediaType"] = k_docker_manifest;
  CHECK(parse(value).media_type == k_docker_manifest);
  Json list = index_of({});
  list["mediaType"] = k_docker_list;
  CHECK(parse(list, k_docker_list).is_index);
}

TEST_CASE("an index has children with platforms", "[oci][manifest]") {
  const TwoPlatforms two;
  const Manifest manifest = parse_manifest(two.index, k_oci_index, "test");
  REQUIRE(manifest.children.size() == 2);
  CHECK(manifest.children[1].platform->to_string() == "linux/arm64/v8");
  CHECK(manifest.artifact_type.empty());
}

TEST_CASE("an artifact manifest of the release candidates is read", "[oci][manifest]") {
  const Json value = {{"mediaType", k_artifact_manifest},
                      {"artifactType", "example/sbom"},
                      {"blobs", {descriptor("text/plain", "x")}},
                      {"subject", descriptor(k_oci_manifest, "s")}};
  const Manifest manifest = parse(value);
  CHECK(manifest.layers.size() == 1);
  CHECK(manifest.subject->digest == base::sha256("s"));
  CHECK(manifest.artifact_type == "example/sbom");
}

TEST_CASE("without any type the shape decides", "[oci][manifest]") {
  Json value = image("c", "l");
  value.erase("mediaType");
  CHECK(parse(value, "application/json").media_type == k_oci_manifest);
  Json index = index_of({});
  index.erase("mediaType");
  CHECK(parse(index, "text/plain").is_index);
}

TEST_CASE("schema 1 is refused with a way out", "[oci][manifest]") {
  const Json value = {{"schemaVersion", 1}, {"name", "x"}, {"fsLayers", Json::array()}};
  const base::Error error = test::error_of([&] { return parse(value); });
  CHECK(error.code() == ErrorCode::unsupported);
  CHECK_FALSE(error.hint().empty());
  CHECK(refusal(image("c", "l"), "application/vnd.docker.distribution.manifest.v1+prettyjws") ==
        ErrorCode::unsupported);
}

TEST_CASE("what two readers could read differently is refused", "[oci][manifest]") {
  Json both = image("c", "l");
  both["manifests"] = Json::array();
  CHECK(refusal(both) == ErrorCode::malformed);
  CHECK(refusal(image("c", "l"), k_oci_index) == ErrorCode::malformed);
  Json lying = image("c", "l");
  lying["mediaType"] = k_oci_index;
  CHECK(refusal(lying) == ErrorCode::malformed);
  CHECK(test::code_of([] { return parse_manifest(R"({"schemaVersion":2,"schemaVersion":2})", "", "x"); }) ==
        ErrorCode::malformed);
}

TEST_CASE("broken descriptors are refused", "[oci][manifest]") {
  const auto with_layer = [](const Json& layer) {
    Json value = image("c", "l");
    value["layers"] = {layer};
    return value;
  };
  Json layer = descriptor("text/plain", "x");
  layer["digest"] = "md5:00";
  CHECK(refusal(with_layer(layer)) == ErrorCode::malformed);
  layer = descriptor("text/plain", "x");
  layer["size"] = -1;
  CHECK(refusal(with_layer(layer)) == ErrorCode::malformed);
  layer = descriptor("text plain\n", "x");
  CHECK(refusal(with_layer(layer)) == ErrorCode::malformed);
  layer = descriptor("text/plain", "x");
  layer["platform"] = {{"os", "li nux"}, {"architecture", "amd64"}};
  CHECK(refusal(with_layer(layer)) == ErrorCode::malformed);
  layer.erase("platform");
  layer["urls"] = "https://x.example";
  CHECK(refusal(with_layer(layer)) == ErrorCode::malformed);
  layer.erase("urls");
  layer["annotations"] = {{"a", 1}};
  CHECK(refusal(with_layer(layer)) == ErrorCode::malformed);
  CHECK(refusal(with_layer("x")) == ErrorCode::malformed);
  CHECK(refusal(Json::array()) == ErrorCode::malformed);
  CHECK(refusal({{"schemaVersion", 2}}) == ErrorCode::malformed);
}

TEST_CASE("data inside a descriptor must be what its digest says", "[oci][manifest]") {
  Json value = image("{}", "l");
  value["config"]["data"] = base::base64_encode("{}");
  CHECK(parse(value).config->data == "{}");
  value["config"]["data"] = base::base64_encode("[]");
  CHECK(refusal(value) == ErrorCode::malformed);
  value["config"]["data"] = "***";
  CHECK(refusal(value) == ErrorCode::malformed);
}

TEST_CASE("limits hold", "[oci][manifest]") {
  Json value = image("c", "l");
  value["layers"] = std::vector<Json>(k_descriptor_limit, descriptor("text/plain", "x"));
  CHECK(parse(value).layers.size() == k_descriptor_limit);
  value["layers"].push_back(descriptor("text/plain", "x"));
  CHECK(refusal(value) == ErrorCode::limit);
  value = image("c", "l");
  value["annotations"] = {{"a", std::string(k_manifest_limit, 'x')}};
  CHECK(refusal(value) == ErrorCode::limit);
}

}  // namespace airlock::ecosystem::oci
