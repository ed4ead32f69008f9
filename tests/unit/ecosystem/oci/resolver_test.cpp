#include "ecosystem/oci/resolver.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/oci/tags.hpp"
#include "fake_registry.hpp"
#include "model/lock.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/recording_reporter.hpp"

namespace airlock::ecosystem::oci {

using base::ErrorCode;

namespace {

const TwoPlatforms k_two;

// One run over a manifest's images.
struct Run {
  explicit Run(const std::string& yaml, const std::string& file = "test.yaml")
      : manifest(model::parse_manifest("name: test\nplatforms: [linux/amd64]\n" + yaml, file, sections)),
        resolver(make_resolver({client, manifest, reporter, {}, environment})) {}

  std::vector<model::SectionSchema> sections = image_sections();
  http::Client client{quick_options()};
  test::RecordingReporter reporter;
  std::map<std::string, std::string> environment;
  model::Manifest manifest;
  std::unique_ptr<Resolver> resolver;

  model::Lock lock() {
    model::Lock result;
    result.channel = "test";
    std::mutex mutex;
    for (const model::Entry* entry : manifest.section("images")) {
      resolver->resolve(*entry, [&](ResolvedFile file) {
        const std::lock_guard guard(mutex);
        result.rows.push_back(std::move(file.row));
      });
    }
    result.waivers = resolver->waivers();
    result.normalise();
    return result;
  }
  std::string fetch(const model::FileRow& row, std::uint64_t offset = 0,
                    std::optional<std::uint64_t> length = std::nullopt) {
    base::StringSink sink(1'000'000);
    resolver->fetchable(row)->fetch(offset, length, sink);
    return sink.take();
  }
};

std::vector<std::string> tags_in(const model::Lock& lock) {
  std::vector<std::string> result;
  for (const model::FileRow& row : lock.rows) {
    if (row.kind == model::Kind::tag) {
      result.push_back(row.path.substr(row.path.rfind(':') + 1));
    }
  }
  return result;
}

}  // namespace

TEST_CASE("every row of an image can be fetched from its origin alone", "[oci][resolver]") {
  FakeRegistry registry;
  registry.put_image("team/app", "1");
  Run run(fmt::format("images: [ \"{}/team/app:1\" ]\n", registry.host()));
  const model::Lock lock = run.lock();
  CHECK(lock.rows.size() == 6);
  CHECK(model::Lock::parse(lock.to_text(), "lock").rows == lock.rows);
  Run other("images: []\n");  // as with `create --lock`: nothing but the lock
  for (const model::FileRow& row : lock.rows) {
    if (row.kind != model::Kind::known) {
      CAPTURE(row.path);
      CHECK(base::sha256(other.fetch(row)) == row.sha256);
    }
  }
}

TEST_CASE("the same images give the same lock, whatever comes first", "[oci][resolver]") {
  FakeRegistry registry;
  registry.put_image("a", "1");
  registry.put_image("a", "2");
  registry.put_image("b", "1");
  const std::string images = fmt::format(
      "images: [ \"{0}/a:1\", {{ ref: \"{0}/a:2\", platforms: [linux/arm64] }}, \"{0}/b:1\" ]\n", registry.host());
  const std::string first = Run(images).lock().to_text();
  for (int i = 0; i < 5; ++i) {
    CHECK(Run(images).lock().to_text() == first);
  }
  CHECK(first.find("\"known\"") == first.rfind("\"known\""));  // b's; a has both platforms
}

TEST_CASE("tags are chosen by pattern and number", "[oci][resolver]") {
  FakeRegistry registry;
  for (const char* tag : {"1.9", "1.10", "1.2", "2.0", "latest"}) {
    registry.put_image("app", tag);
  }
  const std::string ref = registry.host() + "/app";
  CHECK(tags_in(Run(fmt::format("images: [ {{ ref: \"{}\", tags: \"1.*\", newest: 2 }} ]\n", ref)).lock()) ==
        std::vector<std::string>{"1.10", "1.9"});
  CHECK(tags_in(Run(fmt::format("images: [ {{ ref: \"{}\", newest: 1 }} ]\n", ref)).lock()) ==
        std::vector<std::string>{"2.0"});
  CHECK(tags_in(Run(fmt::format("images: [ \"{}\" ]\n", ref)).lock()) == std::vector<std::string>{"latest"});
  Run none(fmt::format("images: [ {{ ref: \"{}\", tags: \"3.*\" }} ]\n", ref));
  CHECK(test::code_of([&] { none.lock(); }) == ErrorCode::not_found);
  Run both(fmt::format("images: [ {{ ref: \"{}:1.9\", tags: \"1.*\" }} ]\n", ref));
  CHECK(test::code_of([&] { both.lock(); }) == ErrorCode::manifest);
}

TEST_CASE("an image that is not there is named", "[oci][resolver]") {
  FakeRegistry registry;
  Run run(fmt::format("images: [ \"{}/none:1\" ]\n", registry.host()));
  const base::Error error = test::error_of([&] { run.lock(); });
  CHECK(error.code() == ErrorCode::not_found);
  CHECK(error.message().find("/none:1") != std::string::npos);
  CHECK(error.context() == std::vector<std::string>{"resolving image " + registry.host() + "/none:1"});
}

TEST_CASE("a malformed reference is shown where it stands", "[oci][resolver]") {
  Run run("images:\n  - quay.io/Team/App\n");
  const base::Error error = test::error_of([&] { run.lock(); });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK(error.position()->line == 4);
  CHECK(error.hint().find("lower case") != std::string::npos);
}

TEST_CASE("an image by digest has no tag", "[oci][resolver]") {
  FakeRegistry registry;
  registry.put_image("app", "1");
  const std::string digest = digest_text(k_two.index);
  CHECK(tags_in(Run(fmt::format("images: [ \"{}/app@{}\" ]\n", registry.host(), digest)).lock()).empty());
  CHECK(tags_in(Run(fmt::format("images: [ \"{}/app:x@{}\" ]\n", registry.host(), digest)).lock()) ==
        std::vector<std::string>{"x"});
}

TEST_CASE("signatures by the tag schema are found", "[oci][resolver]") {
  FakeRegistry registry({.referrers_api = GENERATE(true, false)});
  registry.put_image("app", "1");
  const std::string sbom = artifact("sbom", k_two.amd64, "the sbom").dump();
  registry.put_manifest("app", sbom, "", {"{}", "the sbom"});
  registry.put_manifest("app", index_of({descriptor(k_oci_manifest, sbom)}).dump(),
                        referrers_tag(base::sha256(k_two.amd64)));
  const std::string text = Run(fmt::format("images: [ \"{}/app:1\" ]\n", registry.host())).lock().to_text();
  CHECK(text.find(fmt::format("/referrers/{}/{}", digest_text(k_two.amd64), digest_text(sbom))) != std::string::npos);
}

TEST_CASE("signatures that could not be asked for need the user's word", "[oci][resolver]") {
  FakeRegistry registry;
  registry.put_image("app", "1");
  registry.fail("/referrers/", 403);
  const std::string images = fmt::format("images: [ \"{}/app:1\" ]\n", registry.host());
  Run strict(images);
  const base::Error error = test::error_of([&] { strict.lock(); });
  CHECK(error.code() == ErrorCode::auth);
  CHECK(error.hint().find("allow_unverified_referrers") != std::string::npos);
  Run waived(images +
             fmt::format("upstreams: {{ \"{}\": {{ allow_unverified_referrers: true }} }}\n", registry.host()));
  CHECK(waived.lock().waivers ==
        std::vector<model::Waiver>{{.upstream = registry.host(), .what = "signatures-not-asked"}});
  CHECK(waived.reporter.warnings().size() == 1);
}

TEST_CASE("an upstream's url and path take the place of the registry", "[oci][resolver]") {
  FakeRegistry registry;
  registry.put_image("cache/library/debian", "12");
  Run run(fmt::format("images: [ debian:12 ]\nupstreams: {{ docker.io: {{ url: \"{}\" }} }}\n",
                      registry.url("/cache").to_string()));
  const model::Lock lock = run.lock();
  CHECK(lock.rows.front().path.starts_with("docker.io/library/debian:12"));
  for (const model::FileRow& row : lock.rows) {
    if (row.kind == model::Kind::file) {
      CHECK(base::sha256(run.fetch(row)) == row.sha256);
    }
  }
}

TEST_CASE("credentials of the environment are used", "[oci][resolver]") {
  FakeRegistry registry({.token = "secret"});
  registry.put_image("app", "1");
  const std::string images = fmt::format("images: [ \"{}/app:1\" ]\n", registry.host());
  Run nobody(images);
  CHECK(test::code_of([&] { nobody.lock(); }) == ErrorCode::auth);
  Run run(images);
  run.environment["DOCKER_AUTH_CONFIG"] =
      fmt::format(R"({{"auths":{{"{}":{{"auth":"{}"}}}}}})", registry.host(), base::base64_encode("u:p"));
  run.resolver = make_resolver({run.client, run.manifest, run.reporter, {}, run.environment});
  const model::Lock lock = run.lock();
  CHECK(lock.rows.size() == 6);
  CHECK(registry.tokens() == 2);  // one that was refused, one for all requests of the run
  CHECK(run.fetch(lock.rows.back()).size() == lock.rows.back().length);
}

TEST_CASE("parts of a blob are fetched as parts", "[oci][resolver]") {
  FakeRegistry registry;
  const std::string layer = "0123456789";
  registry.put_manifest("app", image("c", layer).dump(), "1", {"c", layer});
  Run run(fmt::format("images: [ \"{}/app:1\" ]\n", registry.host()));
  for (const model::FileRow& row : run.lock().rows) {
    if (row.sha256 == base::sha256(layer)) {
      CHECK(run.fetch(row, 3, 4) == "3456");
      CHECK(run.fetch(row, 7) == "789");
    }
  }
}

TEST_CASE("an image from a local layout is called what the entry says", "[oci][resolver]") {
  base::TempDir folder;
  const std::filesystem::path layout = folder.path() / "built";
  base::make_directories(layout / "blobs/sha256");
  base::write_file_atomic(layout / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  for (const std::string& content : {k_two.amd64_config, k_two.amd64_layer, k_two.amd64, k_two.index}) {
    base::write_file_atomic(layout / "blobs/sha256" / digest_hex(content), content);
  }
  base::write_file_atomic(layout / "index.json", index_of({descriptor(k_oci_index, k_two.index)}).dump());
  const std::string file = (folder.path() / "m.yaml").string();
  Run run("images: [ { layout: ./built, ref: \"registry.example/team/tool:3\" } ]\n", file);
  const model::Lock lock = run.lock();
  CHECK(lock.rows.front().path == "registry.example/team/tool:3");
  CHECK(lock.rows.front().origin == "oci-layout:built@" + digest_text(k_two.index));
  for (const model::FileRow& row : lock.rows) {
    if (row.kind != model::Kind::known) {
      CHECK(base::sha256(run.fetch(row)) == row.sha256);
      CHECK(run.fetch(row, 1, 2).size() == 2);
    }
  }
  Run without("images: []\n", file);
  const base::Error error = test::error_of([&] { without.fetch(lock.rows.front()); });
  CHECK(error.code() == ErrorCode::not_found);
  CHECK(error.hint().find("-m") != std::string::npos);
}

}  // namespace airlock::ecosystem::oci
