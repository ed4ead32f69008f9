// What an attacker brings to a site in bundles that are signed, or that nobody signed: what the site says and keeps.
#include "far_fixture.hpp"

#include <algorithm>

#include "attacks/attack_kit.hpp"
#include "base/json.hpp"
#include "bundle/inspection.hpp"
#include "bundle/oci_index.hpp"
#include "ecosystem/ecosystem.hpp"
#include "store/blob_store.hpp"
#include "support/head_file.hpp"
#include "workflow/extract.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;
using base::Json;

TEST_CASE("what goes beyond a limit is refused like any other tampering") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto made = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  DishonestProducer producer(keys, made.contents);
  Json file = Json::parse(producer.role_bytes("snapshot"));
  for (std::size_t i = 0; i < trust::k_signature_limit; ++i) {
    file["signatures"].push_back({{"keyid", base::sha256(std::to_string(i)).hex()}, {"sig", "00"}});
  }
  producer.set_role_bytes("snapshot", file.dump(1) + "\n");
  const auto head = write_head(medium.path() / "flood.airlock", producer.head);
  const auto error = error_of([&] { return site.import({head}); });
  CHECK(error.code() == ErrorCode::tampered);
  CHECK(error.message().find("signatures") != std::string::npos);
  CHECK(site.verify(head).exit_code() == 3);
  CHECK(site.generations().empty());
}

TEST_CASE("a path under another artifact's name is refused, and an inspection shows it") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  auto file = text_file("installers/prod-root-ca.sh", "evil");
  file.artifact = "pkg:generic/release-notes.txt@1.0.0";
  const auto made = make_bundle(medium.path(), {file, text_file("a.txt", "one")}, keys);
  const auto error = error_of([&] { return site.import({made.head}); });
  CHECK(error.code() == ErrorCode::tampered);
  CHECK(error.message().find("installers/prod-root-ca.sh") != std::string::npos);
  CHECK(error.message().find("pkg:generic/release-notes.txt@1.0.0") != std::string::npos);
  CHECK(site.verify(made.head).exit_code() == 3);
  CHECK(site.generations().empty());
  const auto inspection = bundle::inspect(bundle::Head::read(made.head), bundle_time(1), ecosystem::belongs);
  const auto text = bundle::render_text(inspection, nullptr, bundle::Detail::artifacts);
  CHECK(text.find("FAILED") != std::string::npos);
  CHECK(text.find("    file  installers/prod-root-ca.sh\n") != std::string::npos);
}

TEST_CASE("a blob that nobody listed is told of, and not taken") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto made = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys, {.volume_size = 1 << 20});
  auto members = take_apart(made.volumes[0]);
  members.push_back({.name = "blobs/sha256/" + base::sha256("evil").hex(), .content = "evil"});
  write_bytes(made.volumes[0], put_together(members));
  const auto report = site.verify(made.head);
  CHECK(report.ok());
  CHECK(has_finding(report, ErrorCode::foreign, "does not list"));
  const auto imported = site.import({made.head});
  CHECK(std::any_of(imported.notes.begin(), imported.notes.end(),
                    [](const auto& note) { return note.message.find("does not list") != std::string::npos; }));
  CHECK_FALSE(store::BlobStore(site.home.blobs()).open(base::sha256("evil")));
}

TEST_CASE("a blob that nobody listed, in the bundle's own file, is refused, also where all of it is here already") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto made = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  const bool before = GENERATE(true, false);
  if (before) {
    site.import({made.head});
  }
  auto members = take_apart(made.head);
  members.push_back({.name = "blobs/sha256/" + base::sha256("evil").hex(), .content = "evil"});
  write_bytes(made.head, put_together(members));
  const auto error = error_of([&] { return site.import({made.head}); });
  CHECK(error.code() == ErrorCode::tampered);
  CHECK(error.message().find(base::sha256("evil").hex()) != std::string::npos);
  CHECK(site.verify(made.head).exit_code() == 3);
  CHECK(site.generations().size() == (before ? 1U : 0U));
}

TEST_CASE("names that are only odd are stored, served and extracted as data") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const std::vector<std::string> names = {
      "-rf",           "--help",        "CON", "aux/nul.txt",           "a.", "...", "C:x", "%2e%2e/%2e%2e/etc/passwd",
      "..%5c..%5cx.y", "$(touch here)", "a;b", "~/.ssh/authorized_keys"};
  std::vector<BundleFile> files;
  for (const auto& name : names) {
    files.push_back(text_file(name, "content of " + name));
  }
  const auto made = make_bundle(medium.path(), files, keys);
  site.import({made.head});
  base::TempDir output;
  for (const auto& name : names) {
    CAPTURE(name);
    CHECK(site.served("file", name) == "content of " + name);
    const auto report = workflow::extract({.bundle = made.head,
                                           .volumes = {},
                                           .what = "file:" + name,
                                           .output = output.path(),
                                           .home = site.home,
                                           .now = bundle_time(1)},
                                          site.reporter);
    CHECK(report.output.parent_path() == output.path());
    CHECK(text_of(report.output) == "content of " + name);
    fs::remove(report.output);
  }
  CHECK(fs::is_empty(output.path()));
  // Nothing in the home is called as anything in the bundle.
  for (const auto& entry : fs::recursive_directory_iterator(site.home.root)) {
    const auto own = entry.path().filename().string();
    CHECK(std::none_of(names.begin(), names.end(), [&](const auto& name) { return fs::path(name).filename() == own; }));
  }
}

TEST_CASE("settings that lie beside a bundle are not read") {
  const ProducerKeys keys, others;
  Site site(&keys);
  Medium medium;
  const auto made = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  write_bytes(medium.path() / "policy.yaml", "minimum_threshold: { snapshot: 9 }\n");
  write_bytes(medium.path() / "airlock.yaml", "home: /nowhere\n");
  write_bytes(medium.path() / "root.json", others.first_root());
  site.import({medium.path()});
  CHECK(site.served("file", "a.txt") == "one");
  // Nor does a root on the medium help those who pinned none.
  Site unpinned;
  CHECK(code_of([&] { return unpinned.import({medium.path()}); }) == ErrorCode::untrusted);
}

TEST_CASE("an image whose documents lead astray is not extracted") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const std::string index_type(bundle::k_oci_index_type);
  const std::string manifest_type = "application/vnd.oci.image.manifest.v1+json";
  const auto extracting = [&](const std::vector<std::string>& documents, const std::string& type) {
    std::vector<BundleFile> files;
    const std::string repository = "registry.example/team/app";
    const std::string artifact =
        "pkg:oci/app@" + base::sha256(documents.back()).to_string() + "?repository_url=registry.example/team/app&tag=1";
    for (const auto& document : documents) {
      files.push_back({.ecosystem = "oci",
                       .path = repository + "@" + base::sha256(document).to_string(),
                       .content = document,
                       .artifact = artifact,
                       .media_type = type});
    }
    files.push_back({.ecosystem = "oci",
                     .path = repository + ":1",
                     .content = documents.back(),
                     .artifact = artifact,
                     .media_type = type,
                     .kind = model::Kind::tag});
    base::TempDir folder;
    const auto made = make_bundle(folder.path(), files, keys);
    const auto output = folder.path() / "out";
    const auto code = code_of([&] {
      return workflow::extract({.bundle = made.head,
                                .volumes = {},
                                .what = repository + ":1",
                                .output = output,
                                .home = site.home,
                                .now = bundle_time(1)},
                               site.reporter);
    });
    CHECK_FALSE(fs::exists(output));
    return code;
  };
  const std::string layer = R"({"digest":"sha256:)" + std::string(64, '0') + R"(","size":1})";
  CHECK(extracting({"not JSON"}, manifest_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"layers":[{"digest":"../../etc/passwd"}]})"}, manifest_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"layers":[{"digest":"sha256:../../etc/passwd"}]})"}, manifest_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"config":{"digest":5},"layers":[]})"}, manifest_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"layers":["text"]})"}, manifest_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"layers":[)" + layer + "]}"}, manifest_type) == ErrorCode::base_missing);
  CHECK(extracting({R"({"manifests":[{"digest":null}]})"}, index_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"manifests":[],"layers":[)" + layer + "]}"}, index_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"manifests":[],"config":)" + layer + "}"}, index_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"a":)" + std::string(10'000, '[') + "}"}, index_type) != ErrorCode::internal);
  // An index in an index in an index…: a cycle cannot be made, a long way down can.
  std::vector<std::string> nested = {R"({"manifests":[]})"};
  for (int i = 0; i < 300; ++i) {
    nested.push_back(R"({"manifests":[{"digest":")" + base::sha256(nested.back()).to_string() + R"(","size":1}]})");
  }
  CHECK(extracting(nested, index_type) == ErrorCode::limit);
}
