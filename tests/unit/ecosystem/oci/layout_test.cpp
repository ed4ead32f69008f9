#include <fcntl.h>

#include "base/files.hpp"
#include "base/process.hpp"
#include "ecosystem/oci/layout_source.hpp"
#include "ecosystem/oci/tags.hpp"
#include "ecosystem/oci/tar_index.hpp"
#include "images.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::oci {

namespace fs = std::filesystem;
using base::ErrorCode;

namespace {

// An OCI layout on disk, made file by file.
struct Layout {
  base::TempDir folder;
  fs::path path = folder.path() / "my layout";
  std::vector<Json> entries;

  Layout() {
    base::make_directories(path / "blobs/sha256");
    base::write_file_atomic(path / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    write_index();
  }
  void write_index() { base::write_file_atomic(path / "index.json", index_of(entries).dump()); }
  void blob(std::string_view content) { base::write_file_atomic(path / "blobs/sha256" / digest_hex(content), content); }
  void entry(const std::string& manifest, const std::string& name,
             const char* annotation = "org.opencontainers.image.ref.name") {
    blob(manifest);
    Json one = descriptor(k_oci_manifest, manifest);
    if (!name.empty()) {
      one["annotations"] = {{annotation, name}};
    }
    entries.push_back(one);
    write_index();
  }
  // The same as a tar, by the system's tar.
  fs::path archive(const std::string& name = "image.tar", const std::string& option = "--format=ustar") {
    const fs::path target = folder.path() / name;
    const auto result = base::run_process({.argv = {"tar", "-C", path.string(), option, "-cf", target.string(), "."}});
    REQUIRE(result.exit_code == 0);
    return target;
  }
  LayoutSource source() { return LayoutSource(std::make_shared<const LayoutFiles>(path)); }
};

const Reference k_app = parse_reference("team/app:1");

}  // namespace

TEST_CASE("a layout is read from a folder and from tars of every kind", "[oci][layout]") {
  Layout layout;
  const std::string manifest = image("c", "l").dump();
  layout.entry(manifest, "team/app:1");
  layout.blob("layer content");
  const std::string option = GENERATE("", "--format=ustar", "--format=pax", "--format=gnu", "--format=v7");
  CAPTURE(option);
  const LayoutFiles files(option.empty() ? layout.path : layout.archive("a.tar", option));
  LayoutSource source(std::make_shared<const LayoutFiles>(files));
  const Descriptor entry = source.find_entry("", k_app);
  CHECK(source.by_digest(entry.digest)->bytes == manifest);
  const std::optional<base::FileSlice> slice = files.open_blob(base::sha256("layer content"));
  REQUIRE(slice);
  std::string read(slice->length, '\0');
  base::pread_exact(slice->fd->get(), std::as_writable_bytes(std::span(read)), slice->offset, "x");
  CHECK(read == "layer content");
  CHECK_FALSE(files.open_blob(base::sha256("absent")));
}

TEST_CASE("entries are found by the names that tools write", "[oci][layout]") {
  Layout layout;
  const std::string one = image("c", "1").dump(), two = image("c", "2").dump(), three = image("c", "3").dump();
  layout.entry(one, "1.0");
  layout.entry(two, "docker.io/team/app:1", "io.containerd.image.name");
  layout.entry(three, "app:3");
  LayoutSource source = layout.source();
  CHECK(source.find_entry("1.0", k_app).digest == base::sha256(one));
  CHECK(source.find_entry("", k_app).digest == base::sha256(two));
  CHECK(source.find_entry("app:3", k_app).digest == base::sha256(three));
  CHECK(source.find_entry("3", k_app).digest == base::sha256(three));
  CHECK(source.find_entry(digest_text(three), k_app).digest == base::sha256(three));
  CHECK(source.find_entry("", parse_reference("other/name:1.0")).digest == base::sha256(one));
  const base::Error error = test::error_of([&] { source.find_entry("4", k_app); });
  CHECK(error.code() == ErrorCode::not_found);
  CHECK(error.message().find("1.0, docker.io/team/app:1, app:3") != std::string::npos);
  CHECK(source.tags() == std::vector<std::string>{"1.0", "1", "3"});
}

TEST_CASE("the only entry needs no name", "[oci][layout]") {
  Layout layout;
  const std::string manifest = image("c", "1").dump();
  layout.entry(manifest, "");
  layout.entry(image("{}", "signature").dump(), referrers_tag(base::sha256(manifest)) + ".sig");
  LayoutSource source = layout.source();
  CHECK(source.find_entry("", k_app).digest == base::sha256(manifest));
  CHECK(source.by_tag(referrers_tag(base::sha256(manifest)) + ".sig"));
}

TEST_CASE("what has a subject in the index is a referrer", "[oci][layout]") {
  Layout layout;
  const std::string manifest = image("c", "1").dump();
  const std::string sbom = artifact("sbom", manifest, "x").dump();
  layout.entry(manifest, "1");
  layout.entry(sbom, "");
  LayoutSource source = layout.source();
  REQUIRE(source.referrers(base::sha256(manifest)).size() == 1);
  CHECK(source.referrers(base::sha256(manifest))[0].digest == base::sha256(sbom));
  CHECK(source.referrers(base::sha256(sbom)).empty());
}

TEST_CASE("a blob with other content than its name is refused", "[oci][layout]") {
  Layout layout;
  layout.entry(image("c", "1").dump(), "1");
  const base::Digest digest = base::sha256(image("c", "1").dump());
  base::write_file_atomic(layout.path / "blobs/sha256" / digest.hex(), "other");
  CHECK(test::code_of([&] { layout.source().by_digest(digest); }) == ErrorCode::tampered);
}

TEST_CASE("what is no layout is told apart", "[oci][layout]") {
  Layout layout;
  const auto open = [](const fs::path& path) { return test::error_of([&] { LayoutFiles files(path); }); };
  CHECK(open(layout.folder.path() / "absent").code() == ErrorCode::not_found);
  CHECK(open(layout.folder.path()).code() == ErrorCode::malformed);
  base::write_file_atomic(layout.folder.path() / "text", std::string(2000, 'x'));
  CHECK(open(layout.folder.path() / "text").code() == ErrorCode::malformed);
  base::run_process({.argv = {"gzip", "-k", layout.archive().string()}});
  const base::Error compressed = open(layout.folder.path() / "image.tar.gz");
  CHECK(compressed.code() == ErrorCode::unsupported);
  CHECK(compressed.hint().find("gunzip") != std::string::npos);
  fs::remove(layout.path / "oci-layout");
  base::write_file_atomic(layout.path / "manifest.json", "[]");
  const base::Error old = open(layout.archive("old.tar"));
  CHECK(old.code() == ErrorCode::unsupported);
  CHECK(old.hint().find("skopeo") != std::string::npos);
}

TEST_CASE("an archive that is cut off is refused", "[oci][layout]") {
  Layout layout;
  layout.blob(std::string(100'000, 'x'));
  const fs::path archive = layout.archive();
  fs::resize_file(archive, 60'000);
  CHECK(test::code_of([&] { LayoutFiles files(archive); }) == ErrorCode::malformed);
}

TEST_CASE("the origin of a layout's content can be read back", "[oci][layout]") {
  Layout layout;
  const base::Digest digest = base::sha256("x");
  const std::string origin = layout.source().origin(Source::Part::blobs, digest);
  CHECK(origin == "oci-layout:my%20layout@" + digest.to_string());
  const std::optional<LayoutOrigin> parsed = parse_layout_origin(origin);
  REQUIRE(parsed);
  CHECK(parsed->digest == digest);
  CHECK(parsed->name == layout_name(layout.path));
  CHECK(layout_name(layout.path / "") == layout_name(layout.path));
  CHECK_FALSE(parse_layout_origin("https://x.example/"));
  CHECK_FALSE(parse_layout_origin("oci-layout:x"));
}

}  // namespace airlock::ecosystem::oci
