#include "bundle/oci_index.hpp"

#include "base/json.hpp"
#include "bundle/authoring.hpp"
#include "support/bundle_maker.hpp"
#include "support/errors.hpp"

using namespace airlock;
using namespace airlock::bundle;
using namespace airlock::test;

namespace {

const auto k_everything = [](const base::Digest&) { return true; };
constexpr std::string_view k_manifest_type = "application/vnd.oci.image.manifest.v1+json";

model::FileRow row(const std::string& path, const std::string& content, model::Kind kind, std::string_view media_type,
                   const std::string& artifact = "") {
  return {.ecosystem = "oci",
          .path = path,
          .artifact = artifact,
          .kind = kind,
          .media_type = std::string(media_type),
          .length = content.size(),
          .sha256 = base::sha256(content)};
}

std::vector<model::FileRow> sample_rows() {
  std::vector<model::FileRow> rows;
  for (const auto& r : make_lock(sample_files(), "c").rows) {
    if (r.ecosystem == "oci") {
      rows.push_back(r);
    }
  }
  return rows;
}

std::string ref_name(const base::Json& entry) {
  return entry["annotations"]["org.opencontainers.image.ref.name"].get<std::string>();
}

}  // namespace

TEST_CASE("an image stands in the index under its full reference", "[bundle][oci_index]") {
  const auto index = base::parse_json(build_oci_index(sample_rows(), k_everything), "index");
  CHECK(index["schemaVersion"] == 2);
  CHECK(index["mediaType"] == k_oci_index_type);
  REQUIRE(index["manifests"].size() == 1);
  const base::Json& image = index["manifests"][0];
  CHECK(ref_name(image) == "registry.example:5000/library/debian:12");
  CHECK(image["mediaType"] == k_manifest_type);
  CHECK(image["digest"] == base::sha256(R"({"schemaVersion":2,"layers":[]})").to_string());
  CHECK(image["size"] == 31);
}

TEST_CASE("an image of which a blob is missing does not stand there", "[bundle][oci_index]") {
  const auto rows = sample_rows();
  for (const auto& missing : rows) {
    const auto index =
        base::parse_json(build_oci_index(rows, [&](const base::Digest& d) { return d != *missing.sha256; }), "index");
    CHECK(index["manifests"].empty());
  }
}

TEST_CASE("an image without a tag stands there by its digest", "[bundle][oci_index]") {
  const std::string digest = base::sha256("m").to_string();
  const auto rows =
      std::vector{row("h.example/r@" + digest, "m", model::Kind::file, k_manifest_type, "pkg:oci/r@" + digest),
                  row("h.example/r@" + base::sha256("child").to_string(), "child", model::Kind::file, k_manifest_type,
                      "pkg:oci/r@" + digest)};
  const auto index = base::parse_json(build_oci_index(rows, k_everything), "index");
  REQUIRE(index["manifests"].size() == 1);
  CHECK(ref_name(index["manifests"][0]) == "h.example/r@" + digest);
}

TEST_CASE("a Docker image stands there through an index of its own", "[bundle][oci_index]") {
  const std::string manifest = "docker manifest";
  const std::string layout = layout_only_index_of(k_docker_manifest_type, manifest).value();
  auto rows = std::vector{row("h.example/r:1", manifest, model::Kind::tag, k_docker_manifest_type)};
  CHECK(base::parse_json(build_oci_index(rows, k_everything), "index")["manifests"].empty());
  rows.push_back(row(layout_row_path("h.example/r:1"), layout, model::Kind::layout, k_oci_index_type));
  const auto index = base::parse_json(build_oci_index(rows, k_everything), "index");
  REQUIRE(index["manifests"].size() == 1);
  CHECK(index["manifests"][0]["mediaType"] == k_oci_index_type);
  CHECK(index["manifests"][0]["digest"] == base::sha256(layout).to_string());
  CHECK(ref_name(index["manifests"][0]) == "h.example/r:1");
  const auto inner = base::parse_json(layout, "layout");
  CHECK(inner["manifests"][0]["mediaType"] == k_docker_manifest_type);
  CHECK(inner["manifests"][0]["digest"] == base::sha256(manifest).to_string());
}

TEST_CASE("a Docker manifest list keeps its children and their platforms", "[bundle][oci_index]") {
  const std::string child = base::sha256("child").to_string();
  const std::string list = R"({"schemaVersion":2,"mediaType":")" + std::string(k_docker_list_type) +
                           R"(","manifests":[{"mediaType":")" + std::string(k_docker_manifest_type) +
                           R"(","size":5,"digest":")" + child +
                           R"(","platform":{"architecture":"arm","os":"linux","variant":"v7"}}]})";
  const auto index = base::parse_json(layout_only_index_of(k_docker_list_type, list).value(), "index");
  REQUIRE(index["manifests"].size() == 1);
  CHECK(index["manifests"][0]["digest"] == child);
  CHECK(index["manifests"][0]["platform"]["variant"] == "v7");
  CHECK_FALSE(layout_only_index_of(k_manifest_type, "{}"));
  CHECK(code_of([] { return layout_only_index_of(k_docker_list_type, "{}"); }) == base::ErrorCode::malformed);
  CHECK(code_of([] { return layout_only_index_of(k_docker_list_type, R"({"manifests":[{}]})"); }) ==
        base::ErrorCode::malformed);
}

TEST_CASE("an index without images is still an index", "[bundle][oci_index]") {
  const auto index = base::parse_json(build_oci_index({}, k_everything), "index");
  CHECK(index["manifests"].is_array());
  CHECK(index["manifests"].empty());
}
