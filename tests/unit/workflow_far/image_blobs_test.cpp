// What is below an image's manifest.
#include <map>

#include "base/error.hpp"
#include "base/json.hpp"
#include "bundle/oci_index.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "workflow/image_blobs.hpp"

using namespace airlock;
using base::Digest;
using base::Json;

namespace {

Json descriptor(const std::string& content, std::string_view media_type = {}) {
  Json value = {{"digest", base::sha256(content).to_string()}, {"size", content.size()}};
  if (!media_type.empty()) {
    value["mediaType"] = media_type;
  }
  return value;
}

// What is at hand; every text by its digest.
struct Texts {
  std::map<Digest, std::string> texts;

  std::string add(const std::string& text) {
    texts[base::sha256(text)] = text;
    return text;
  }
  workflow::ImageBlobs below(const std::string& top) const {
    return workflow::list_image_blobs(base::sha256(top),
                                      {.is_here = [this](const Digest& digest) { return texts.contains(digest); },
                                       .read = [this](const Digest& digest) { return texts.at(digest); }});
  }
};

}  // namespace

TEST_CASE("an image is its manifests, configs and layers, each once, and says what is left out") {
  Texts given;
  const std::string one =
      given.add(Json{{"config", descriptor("c1")}, {"layers", {descriptor("l1"), descriptor("l2")}}}.dump());
  const std::string two =
      given.add(Json{{"config", descriptor("c2")}, {"layers", {descriptor("l1"), descriptor("l3")}}}.dump());
  const std::string top = given.add(Json{
      {"manifests",
       {descriptor(one, bundle::k_oci_manifest_type), descriptor("of another platform", bundle::k_oci_manifest_type),
        descriptor(two, "Application/vnd.docker.distribution.manifest.v2+json; charset=utf-8")}}}
                                        .dump());
  const auto found = given.below(top);
  std::vector<Digest> expected;
  for (const std::string& text :
       {top, one, std::string("c1"), std::string("l1"), std::string("l2"), two, std::string("c2"), std::string("l3")}) {
    expected.push_back(base::sha256(text));
  }
  CHECK(found.blobs == expected);
  CHECK(found.left_out == std::vector{base::sha256("of another platform").to_string()});
}

TEST_CASE("what an index lists beside manifests is content, JSON or not") {
  Texts given;
  const std::string other = given.add("no JSON at all");
  const std::string top = given.add(Json{{"manifests", {descriptor(other, "application/x-chart")}}}.dump());
  CHECK(given.below(top).blobs == std::vector{base::sha256(top), base::sha256(other)});
}

TEST_CASE("an artifact manifest has blobs where an image has layers") {
  Texts given;
  const std::string artifact = given.add(Json{{"blobs", {descriptor("b1"), descriptor("b2")}}}.dump());
  CHECK(given.below(artifact).blobs == std::vector{base::sha256(artifact), base::sha256("b1"), base::sha256("b2")});
}

TEST_CASE("a manifest that another one calls its layer is read all the same") {
  Texts given;
  const std::string inner = given.add(Json{{"layers", {descriptor("l1")}}}.dump());
  const std::string outer = given.add(Json{{"layers", {descriptor(inner)}}}.dump());
  const std::string top = given.add(Json{
      {"manifests", {descriptor(outer, bundle::k_oci_manifest_type), descriptor(inner, bundle::k_oci_manifest_type)}}}
                                        .dump());
  CHECK(given.below(top).blobs ==
        std::vector{base::sha256(top), base::sha256(outer), base::sha256(inner), base::sha256("l1")});
}

TEST_CASE("a document that is index and manifest at once is refused, wherever it stands") {
  Texts given;
  const std::string both = given.add(Json{{"manifests", Json::array()}, {"layers", Json::array()}}.dump());
  const std::string top = given.add(Json{{"manifests", {descriptor(both, bundle::k_oci_index_type)}}}.dump());
  CHECK(test::code_of([&] { return given.below(top); }) == base::ErrorCode::malformed);
}
