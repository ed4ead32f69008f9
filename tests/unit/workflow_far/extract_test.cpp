// One image or file out of a bundle.
#include "far_fixture.hpp"

#include "base/json.hpp"
#include "base/tar.hpp"
#include "workflow/extract.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;
using Form = workflow::ExtractReport::Form;

namespace {

struct ImageBundle {
  ProducerKeys keys;
  Site site{&keys};
  Medium medium;
  std::string config = R"({"architecture":"amd64"})";
  std::string layer = std::string(40'000, 'l');
  std::string manifest;
  MadeBundle bundle;

  ImageBundle() {
    manifest = base::Json{{"schemaVersion", 2},
                          {"config", {{"digest", base::sha256(config).to_string()}, {"size", config.size()}}},
                          {"layers", {{{"digest", base::sha256(layer).to_string()}, {"size", layer.size()}}}}}
                   .dump();
    const std::string type = "application/vnd.oci.image.manifest.v1+json";
    const std::string repository = "registry.example_5000/team/app";
    const auto purl =
        "pkg:oci/app@" + base::sha256(manifest).to_string() + "?repository_url=registry.example:5000/team/app&tag=1";
    const auto at = [&](const std::string& content) { return repository + "@" + base::sha256(content).to_string(); };
    bundle = make_bundle(
        medium.path(),
        {{.ecosystem = "oci", .path = at(manifest), .content = manifest, .artifact = purl, .media_type = type},
         {.ecosystem = "oci", .path = at(config), .content = config, .artifact = purl, .media_type = "x/config"},
         {.ecosystem = "oci", .path = at(layer), .content = layer, .artifact = purl, .media_type = "x/layer"},
         {.ecosystem = "oci",
          .path = repository + ":1",
          .content = manifest,
          .artifact = purl,
          .media_type = type,
          .kind = model::Kind::tag},
         text_file("docs/guide.txt", "read me\n")},
        keys, {.volume_size = 30'000});
  }
  workflow::ExtractOptions options(const std::string& what, const fs::path& output) const {
    return {.bundle = bundle.head,
            .volumes = {},
            .what = what,
            .output = output,
            .home = site.home,
            .now = bundle_time(200)};
  }
};

}  // namespace

TEST_CASE("an image becomes an OCI layout, as a folder or as a tar") {
  ImageBundle given;
  const auto folder = given.medium.path() / "out";
  auto report = workflow::extract(given.options("registry.example:5000/team/app:1", folder), given.site.reporter);
  CHECK(report.form == Form::layout_folder);
  CHECK(report.proven);
  CHECK(report.blobs == 3);
  CHECK(text_of(folder / "blobs" / "sha256" / base::sha256(given.layer).hex()) == given.layer);
  const auto index = base::Json::parse(text_of(folder / "index.json"));
  CHECK(index["manifests"][0]["digest"] == base::sha256(given.manifest).to_string());
  CHECK(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] ==
        "registry.example:5000/team/app:1");
  CHECK(base::Json::parse(text_of(folder / "oci-layout"))["imageLayoutVersion"] == "1.0.0");

  const auto archive = given.medium.path() / "out.tar";
  report = workflow::extract(given.options("registry.example:5000/team/app:1", archive), given.site.reporter);
  CHECK(report.form == Form::layout_archive);
  const auto fd = base::open_for_reading(archive);
  std::size_t members = 0;
  CHECK(base::list_tar(fd.get(), base::file_size(fd.get(), "out"), "out", 100, [&](const base::TarMember&) {
          ++members;
          return true;
        }) == base::TarEnd::complete);
  CHECK(members == 5);
}

TEST_CASE("a file comes out under its own or a given name, and nothing is overwritten") {
  ImageBundle given;
  const auto folder = given.medium.path() / "files";
  base::make_directories(folder);
  auto report = workflow::extract(given.options("docs/guide.txt", folder), given.site.reporter);
  CHECK(report.output == folder / "guide.txt");
  CHECK(text_of(report.output) == "read me\n");
  CHECK(code_of([&] { return workflow::extract(given.options("file:docs/guide.txt", folder), given.site.reporter); }) ==
        ErrorCode::conflict);
  CHECK(code_of([&] { return workflow::extract(given.options("team/app:1", folder), given.site.reporter); }) ==
        ErrorCode::not_found);
  const auto error =
      error_of([&] { return workflow::extract(given.options("guide", folder / "x"), given.site.reporter); });
  CHECK(error.hint().find("docs/guide.txt") != std::string::npos);
}

TEST_CASE("damage is noticed on the way out, and nothing is left behind") {
  ImageBundle given;
  for (const auto& volume : given.bundle.volumes) {
    const auto text = text_of(volume);
    if (const auto place = text.find("lllll"); place != std::string::npos) {
      flip_bit(volume, place + 2);
      break;
    }
  }
  const auto folder = given.medium.path() / "out";
  CHECK(code_of([&] {
          return workflow::extract(given.options("registry.example:5000/team/app:1", folder), given.site.reporter);
        }) == ErrorCode::tampered);
  CHECK_FALSE(fs::exists(folder));
}

TEST_CASE("a missing volume is said, an unknown producer only lowers the trust") {
  ImageBundle given;
  const auto folder = given.medium.path() / "out";
  auto options = given.options("docs/guide.txt", given.medium.path() / "guide.txt");
  options.home = {given.medium.path() / "nowhere", given.medium.path() / "nowhere"};
  CHECK_FALSE(workflow::extract(options, given.site.reporter).proven);
  for (const auto& volume : given.bundle.volumes) {
    fs::remove(volume);
  }
  CHECK(code_of([&] {
          return workflow::extract(given.options("registry.example:5000/team/app:1", folder), given.site.reporter);
        }) == ErrorCode::base_missing);
}

TEST_CASE("a digest is explained by what it belongs to") {
  ImageBundle given;
  bool proven = false;
  const auto uses = workflow::explain_digest(given.bundle.head, base::sha256(given.manifest), given.site.home,
                                             bundle_time(1), proven);
  CHECK(proven);
  CHECK(uses.size() == 2);
  CHECK(workflow::explain_digest(given.bundle.head, base::sha256("unheard of"), given.site.home, bundle_time(1), proven)
            .empty());
}
