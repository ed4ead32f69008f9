#include "ecosystem/oci/image_walk.hpp"

#include <algorithm>
#include <mutex>

#include "ecosystem/oci/tags.hpp"
#include "images.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/recording_reporter.hpp"

namespace airlock::ecosystem::oci {

using base::Digest;
using base::Error;
using base::ErrorCode;
using model::Kind;

namespace {

// What one repository holds, given by content.
class FakeSource : public Source {
 public:
  std::string add(const std::string& bytes, const std::string& tag = "") {
    m_manifests[base::sha256(bytes)] = bytes;
    if (!tag.empty()) {
      m_tags[tag] = base::sha256(bytes);
    }
    return bytes;
  }
  void refer(const std::string& subject, const std::string& referrer) {
    add(referrer);
    list(subject, referrer);
  }
  void list(const std::string& subject, const std::string& referrer) {
    Descriptor entry;
    entry.media_type = k_oci_manifest;
    entry.digest = base::sha256(referrer);
    entry.size = referrer.size();
    m_referrers[base::sha256(subject)].push_back(entry);
  }
  std::optional<Error> failure;  // of every question for signatures

  std::optional<FetchedManifest> by_tag(std::string_view tag) override {
    if (failure && is_referrers_tag(tag)) {
      throw *failure;
    }
    const auto found = m_tags.find(std::string(tag));
    return found == m_tags.end() ? std::nullopt : by_digest(found->second);
  }
  std::optional<FetchedManifest> by_digest(const Digest& digest) override {
    const auto found = m_manifests.find(digest);
    if (found == m_manifests.end()) {
      return std::nullopt;
    }
    return FetchedManifest{found->second, "", digest, digest, model::Verified::upstream_digest};
  }
  std::vector<Descriptor> referrers(const Digest& subject) override {
    if (failure) {
      throw *failure;
    }
    const auto found = m_referrers.find(subject);
    return found == m_referrers.end() ? std::vector<Descriptor>() : found->second;
  }
  std::vector<std::string> tags() override { return {}; }
  std::string origin(Part part, const Digest& digest) const override {
    return std::string("https://r.example/v2/a/") + (part == Part::manifests ? "manifests/" : "blobs/") +
           digest.to_string();
  }

 private:
  std::map<Digest, std::string> m_manifests;
  std::map<std::string, Digest> m_tags;
  std::map<Digest, std::vector<Descriptor>> m_referrers;
};

struct Walked {
  std::map<std::string, ResolvedFile> files;
  std::vector<std::string> warnings;

  const model::FileRow* row(const std::string& path) const {
    const auto found = files.find("r.example/a" + path);
    return found == files.end() ? nullptr : &found->second.row;
  }
  const model::FileRow* content(std::string_view bytes) const { return row("@" + digest_text(bytes)); }
};

const model::Platform k_amd64{"linux", "amd64", ""};

Walked walk(FakeSource& source, const std::string& root, ImageWish wish = {}) {
  wish.reference = parse_reference("r.example/a:1");
  if (wish.platforms.empty()) {
    wish.platforms = {k_amd64};
  }
  Walked result;
  std::mutex mutex;
  test::RecordingReporter reporter;
  const WalkHooks hooks{[&](ResolvedFile file) {
                          const std::lock_guard lock(mutex);
                          result.files.insert_or_assign(file.row.path, std::move(file));
                        },
                        [](const Error& error) { throw error; }, reporter};
  walk_image(source, wish, *source.by_digest(base::sha256(root)), hooks, 4);
  result.warnings = reporter.warnings();
  return result;
}

FakeSource two_platforms(const TwoPlatforms& two) {
  FakeSource source;
  source.add(two.amd64);
  source.add(two.arm64);
  source.add(two.index, "1");
  return source;
}

}  // namespace

TEST_CASE("an index is kept whole, its children by platform", "[oci][walk]") {
  const TwoPlatforms two;
  FakeSource source = two_platforms(two);
  const Walked walked = walk(source, two.index);
  REQUIRE(walked.row(":1"));
  CHECK(walked.row(":1")->kind == Kind::tag);
  CHECK(walked.row(":1")->sha256 == base::sha256(two.index));
  CHECK(walked.content(two.index)->kind == Kind::file);
  CHECK(walked.content(two.amd64)->platform == "linux/amd64");
  CHECK(walked.content(two.amd64_layer)->platform == "linux/amd64");
  CHECK(walked.content(two.amd64_layer)->verified == model::Verified::upstream_digest);
  CHECK(walked.content(two.amd64_config)->media_type == k_config_type);
  REQUIRE(walked.content(two.arm64));
  CHECK(walked.content(two.arm64)->kind == Kind::known);
  CHECK(walked.content(two.arm64)->platform == "linux/arm64/v8");
  CHECK_FALSE(walked.content(two.arm64)->sha256);
  CHECK_FALSE(walked.content(two.arm64_layer));
  CHECK(walked.files.at("r.example/a:1").content == two.index);
  CHECK(walked.files.at("r.example/a@" + digest_text(two.amd64)).content == two.amd64);
  for (const auto& [path, file] : walked.files) {
    CHECK(file.row.artifact.starts_with("pkg:oci/a@sha256:" + digest_hex(two.index)));
    const std::string line = model::to_json_line(file.row, model::RowForm::lock);
    CHECK(model::parse_row(line, model::RowForm::lock, "", "test") == file.row);
  }
}

TEST_CASE("signatures of signatures and of children are carried", "[oci][walk]") {
  const TwoPlatforms two;
  FakeSource source = two_platforms(two);
  const std::string sbom = artifact("sbom", two.amd64, "the sbom").dump();
  const std::string signature = artifact("signature", sbom, "of the sbom").dump();
  const std::string other = artifact("sbom", two.arm64, "not this").dump();
  source.refer(two.amd64, sbom);
  source.refer(sbom, signature);
  source.refer(two.arm64, other);
  const Walked walked = walk(source, two.index);
  const auto referrer = [&](const std::string& subject, const std::string& one) {
    return walked.row("/referrers/" + digest_text(subject) + "/" + digest_text(one));
  };
  REQUIRE(referrer(two.amd64, sbom));
  CHECK(referrer(two.amd64, sbom)->kind == Kind::meta);
  CHECK(referrer(two.amd64, sbom)->sha256 == base::sha256(sbom));
  CHECK(referrer(sbom, signature));
  CHECK(walked.content("of the sbom"));
  CHECK_FALSE(walked.content("not this"));
}

TEST_CASE("cosign's tags are carried", "[oci][walk]") {
  const TwoPlatforms two;
  FakeSource source = two_platforms(two);
  const std::string tag = referrers_tag(base::sha256(two.index)) + ".sig";
  source.add(image("{}", "signature").dump(), tag);
  const Walked walked = walk(source, two.index);
  REQUIRE(walked.row(":" + tag));
  CHECK(walked.row(":" + tag)->kind == Kind::tag);
  CHECK(walked.content("signature"));
}

TEST_CASE("with referrers left, nobody is asked for them", "[oci][walk]") {
  const TwoPlatforms two;
  FakeSource source = two_platforms(two);
  source.failure = Error(ErrorCode::auth, "no");
  ImageWish wish;
  wish.referrers = Referrers::leave;
  CHECK_NOTHROW(walk(source, two.index, wish));
}

TEST_CASE("not to have been answered is a failure", "[oci][walk]") {
  const TwoPlatforms two;
  FakeSource source = two_platforms(two);
  source.failure = Error(ErrorCode::auth, "no");
  CHECK(test::code_of([&] { walk(source, two.index); }) == ErrorCode::auth);
}

TEST_CASE("a listed signature that is gone is warned of", "[oci][walk]") {
  const TwoPlatforms two;
  FakeSource source = two_platforms(two);
  source.list(two.index, artifact("sbom", two.index, "gone").dump());
  CHECK(walk(source, two.index).warnings.size() == 1);
}

TEST_CASE("a child that is gone is a failure", "[oci][walk]") {
  const TwoPlatforms two;
  FakeSource source;
  source.add(two.index, "1");
  CHECK(test::code_of([&] { walk(source, two.index); }) == ErrorCode::not_found);
}

TEST_CASE("a child of another size than stated is refused", "[oci][walk]") {
  const TwoPlatforms two;
  FakeSource source = two_platforms(two);
  Json index = Json::parse(two.index);
  index["manifests"][0]["size"] = 1;
  const std::string bytes = source.add(index.dump(), "1");
  CHECK(test::code_of([&] { walk(source, bytes); }) == ErrorCode::tampered);
}

TEST_CASE("layers that may not be passed on are known, not carried", "[oci][walk]") {
  FakeSource source;
  Json value = image("c", "free");
  Json foreign = descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "foreign");
  foreign["urls"] = {"https://vendor.example/layer"};
  value["layers"].push_back(foreign);
  const std::string root = source.add(value.dump(), "1");
  CHECK(walk(source, root).content("foreign")->kind == Kind::known);
  ImageWish wish;
  wish.foreign_layers = ForeignLayers::carry;
  const Walked walked = walk(source, root, wish);
  CHECK(walked.content("foreign")->kind == Kind::file);
  CHECK(walked.content("foreign")->origin == "https://vendor.example/layer");
}

TEST_CASE("a sha512 layer is pinned by it, its sha256 is not known yet", "[oci][walk]") {
  FakeSource source;
  base::Hasher hasher(base::HashAlgorithm::sha512);
  hasher.update("layer");
  const std::string digest = hasher.finish().to_string();
  Json value = image("c", "layer");
  value["layers"][0]["digest"] = digest;
  const Walked walked = walk(source, source.add(value.dump(), "1"));
  const model::FileRow* row = walked.row("@" + digest);
  REQUIRE(row);
  CHECK(row->pin == digest);
  CHECK_FALSE(row->sha256);
  CHECK(row->length == 5);
}

TEST_CASE("content inside a descriptor is not fetched", "[oci][walk]") {
  FakeSource source;
  Json value = image("{}", "l");
  value["config"]["data"] = "e30=";
  const Walked walked = walk(source, source.add(value.dump(), "1"));
  CHECK(walked.files.at("r.example/a@" + digest_text("{}")).content == "{}");
}

TEST_CASE("an index in an index is walked, to a limit", "[oci][walk]") {
  FakeSource source;
  std::string inner = source.add(image("c", "deep layer").dump());
  std::string_view type = k_oci_manifest;
  const int depth = GENERATE(3, 12);
  for (int i = 0; i < depth; ++i) {
    inner = source.add(index_of({descriptor(type, inner)}).dump(), "1");
    type = k_oci_index;
  }
  if (depth == 3) {
    CHECK(walk(source, inner).content("deep layer"));
  } else {
    CHECK(test::code_of([&] { walk(source, inner); }) == ErrorCode::limit);
  }
}

TEST_CASE("signatures that refer to each other end", "[oci][walk]") {
  FakeSource source;
  const std::string root = source.add(image("c", "l").dump(), "1");
  const std::string a = artifact("a", root, "a").dump();
  const std::string b = artifact("b", a, "b").dump();
  source.refer(root, a);
  source.refer(a, b);
  source.list(b, a);  // a registry may list what it likes
  source.list(b, b);
  CHECK(walk(source, root).content("b"));
}

}  // namespace airlock::ecosystem::oci
