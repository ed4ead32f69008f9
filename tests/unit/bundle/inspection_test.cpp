#include "bundle/inspection.hpp"

#include "bundle/draft_proof.hpp"
#include "bundle/verified_bundle.hpp"
#include "support/bundle_maker.hpp"
#include "support/errors.hpp"

using namespace airlock;
using namespace airlock::bundle;
using namespace airlock::test;

namespace {

Inspection inspection_of(const MadeBundle& made, base::Time now = bundle_time(1)) {
  return inspect(Head::read(made.head), now);
}

bool has_failed(const Inspection& inspection, std::string_view detail) {
  for (const InspectionCheck& check : inspection.checks) {
    if (check.result == InspectionCheck::Result::failed && check.detail.find(detail) != std::string::npos) {
      return true;
    }
  }
  return false;
}

std::size_t failures(const Inspection& inspection) {
  std::size_t count = 0;
  for (const InspectionCheck& check : inspection.checks) {
    count += check.result == InspectionCheck::Result::failed ? 1 : 0;
    UNSCOPED_INFO(check.what << ": " << check.detail);
  }
  return count;
}

}  // namespace

TEST_CASE("an inspection says what is inside", "[bundle][inspection]") {
  const base::TempDir folder;
  const ProducerKeys keys(2, 1);
  const auto made = make_bundle(folder.path(), sample_files(), keys, {.revoked = {"pkg:npm/evil@1.0.0"}});
  const Inspection inspection = inspection_of(made);
  CHECK(failures(inspection) == 0);
  CHECK(inspection.channel == "site-a");
  CHECK(inspection.sealed);
  CHECK(inspection.bundle_id == made.bundle_id);
  CHECK(inspection.approvers.size() == 2);
  CHECK(inspection.shipment_text() == "full");
  CHECK(inspection.ecosystems.at("oci").artifacts == 1);
  CHECK(inspection.ecosystems.at("oci").files == 3);
  CHECK(inspection.ecosystems.at("oci").bytes == 31 + 1012);
  CHECK(inspection.ecosystems.at("npm").known == 1);
  CHECK(inspection.ecosystems.at("npm").artifacts == 0);
  CHECK(inspection.files_by_verified.at(model::Verified::none) == 1);
  CHECK(inspection.files_by_verified.at(model::Verified::upstream_signature) == 2);
  CHECK(inspection.files_by_verified.at(model::Verified::upstream_digest) == 2);  // a tag is no file
  CHECK(inspection.waivers.size() == 1);
  CHECK(inspection.revoked.size() == 1);
  REQUIRE(inspection.artifacts.size() == 4);
  const InspectedArtifact& image = inspection.artifacts[2];
  CHECK(image.name == "registry.example:5000/library/debian");
  CHECK(image.version.starts_with("12 sha256:"));
  CHECK(image.bytes == 31 + 1012);
  CHECK(image.origins == std::vector<std::string>{"https://upstream.example"});
  CHECK(inspection.artifacts[3].platforms.size() == 2);
  CHECK(inspection.artifacts[1].known_only);
}

TEST_CASE("a serial that leaps is shown to whoever approves", "[bundle][inspection]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto first = make_bundle(folder.path(), sample_files(), keys);
  const auto inspected = [&](std::uint64_t serial) {
    return inspection_of(
        make_bundle(folder.path(), {text_file("a.txt", "x")}, keys, {.serial = serial, .previous = first.contents}));
  };
  const Inspection before = inspection_of(first);
  const Inspection next = inspected(2);
  const auto quiet = compare(before, next);
  CHECK(serial_remark(next, &quiet).empty());
  CHECK(serial_remark(next, nullptr).empty());
  CHECK(render_text(next, &quiet, Detail::summary).find("SERIAL") == std::string::npos);

  const Inspection leap = inspected(k_number_limit);
  const auto diff = compare(before, leap);
  CHECK(serial_remark(leap, &diff).find("leaps from 1 to 9007199254740991") != std::string::npos);
  const std::string text = render_text(leap, nullptr, Detail::summary);
  CHECK(text.find("SERIAL       9007199254740991 is far ahead of the snapshot's version 2") != std::string::npos);
  CHECK(render_html(leap, &diff).find("leaps from 1 to") != std::string::npos);
  CHECK(render_json(leap, nullptr).at("serial_remark").get<std::string>().find("far ahead") != std::string::npos);
  const Inspection few = inspected(4);
  const auto gap = compare(before, few);
  CHECK_FALSE(serial_remark(few, &gap).empty());
  CHECK(serial_remark(few, nullptr).empty());
}

TEST_CASE("one person's approval is called that", "[bundle][inspection]") {
  const base::TempDir folder, other, third;
  const ProducerKeys alone, two(3, 2);
  CHECK(inspection_of(make_bundle(folder.path(), sample_files(), alone)).approval_text() == "one person approved this");
  CHECK(inspection_of(make_bundle(other.path(), sample_files(), two)).approval_text() ==
        "3 people approved this, 2 were needed");
}

TEST_CASE("a draft can be inspected", "[bundle][inspection]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const Inspection inspection = inspection_of(make_bundle(folder.path(), sample_files(), keys, {.sealed = false}));
  CHECK(failures(inspection) == 0);
  CHECK_FALSE(inspection.sealed);
  CHECK(inspection.shipment_text() == "draft");
  CHECK(inspection.artifacts.size() == 4);
}

TEST_CASE("approvals that a draft lacks are pending, and those that a sealed bundle lacks a failure",
          "[bundle][inspection]") {
  const base::TempDir folder, other;
  const ProducerKeys keys(2, 2);
  const Inspection draft =
      inspection_of(make_bundle(folder.path(), sample_files(), keys, {.sealed = false, .approvers = 0}));
  CHECK(failures(draft) == 0);
  const std::string text = render_text(draft, nullptr, Detail::summary);
  CAPTURE(text);
  CHECK(text.find("not yet      enough people approved it: 0 of 2 have signed\n") != std::string::npos);
  CHECK(text.find("not yet      timestamp and shipment are signed and name this state: this is a draft\n") !=
        std::string::npos);
  CHECK(render_html(draft, nullptr).find("not yet</span>") != std::string::npos);
  CHECK(render_json(draft, nullptr).at("checks")[2].at("result") == "not-yet");

  const auto remove_signatures = [](HeadContents& head) {
    for (auto& [name, bytes] : head.metadata) {
      if (name.ends_with("snapshot.json")) {
        base::Json json = base::parse_json(bytes, name);
        json["signatures"] = base::Json::array();
        bytes = json.dump(1) + "\n";
      }
    }
  };
  const Inspection sealed =
      inspection_of(make_bundle(other.path(), sample_files(), keys, {.change_head = remove_signatures}));
  CHECK(has_failed(sealed, "0 of 2 have signed (approval-missing)"));
}

TEST_CASE("a root that the reader has proven is no open check", "[bundle][inspection]") {
  const base::TempDir folder;
  Inspection inspection = inspection_of(make_bundle(folder.path(), sample_files(), ProducerKeys()));
  const std::string open = "not checked  the root is the one that is trusted here: compare the fingerprint";
  CHECK(render_text(inspection, nullptr, Detail::summary).find(open) != std::string::npos);
  inspection.root_is_trusted("the root pinned in roots/1.json");
  const std::string text = render_text(inspection, nullptr, Detail::summary);
  CHECK(text.find("ok           the root is the one that is trusted here: the root pinned in roots/1.json\n") !=
        std::string::npos);
  CHECK(text.find("compare the fingerprint") == std::string::npos);
}

TEST_CASE("a summary names the artifacts up to a bound, and counts them all", "[bundle][inspection]") {
  const base::TempDir folder, other;
  const ProducerKeys keys;
  const std::string few =
      render_text(inspection_of(make_bundle(folder.path(), sample_files(), keys)), nullptr, Detail::summary);
  CAPTURE(few);
  CHECK(few.find("what upstream proves\n  unproven            1 file\n") != std::string::npos);
  CHECK(few.find("unproven artifacts (1)\n  file  docs/guide.txt") != std::string::npos);
  CHECK(few.find("other artifacts (2)\n") != std::string::npos);
  CHECK(few.find("registry.example:5000/library/debian") != std::string::npos);
  CHECK(few.find("opentofu") != std::string::npos);
  CHECK(few.find(" more; ") == std::string::npos);

  std::vector<BundleFile> files;
  for (int i = 0; i < 45; ++i) {
    files.push_back(text_file("f" + std::to_string(i), "x" + std::to_string(i)));
  }
  const std::string many = render_text(inspection_of(make_bundle(other.path(), files, keys)), nullptr, Detail::summary);
  CHECK(many.find("artifacts (45)\n") != std::string::npos);
  CHECK(many.find("  and 5 more; `airlock bundle inspect BUNDLE --artifacts` lists all\n") != std::string::npos);
}

TEST_CASE("an inspection shows what is wrong and goes on where it can", "[bundle][inspection]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made =
      make_bundle(folder.path(), sample_files(), keys,
                  {.change_head = [](HeadContents& head) { head.targets["oci/catalog/00.jsonl"] += " "; }});
  const Inspection inspection = inspection_of(made);
  CHECK(failures(inspection) > 0);
  CHECK(inspection.serial == 1);
  CHECK(inspection.approvers.size() == 1);
  CHECK(has_failed(inspection_of(make_bundle(folder.path(), sample_files(), keys, {.serial = 2}), bundle_time(1000)),
                   "expired"));
}

TEST_CASE("two states are compared by package and content", "[bundle][inspection]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  auto before = sample_files();
  before.push_back({.ecosystem = "npm", .path = "a/-/a-1.0.0.tgz", .content = "a1", .artifact = "pkg:npm/a@1.0.0"});
  before.push_back({.ecosystem = "npm", .path = "b/-/b-1.0.0.tgz", .content = "b1", .artifact = "pkg:npm/b@1.0.0"});
  before.push_back({.ecosystem = "npm", .path = "c/-/c-1.0.0.tgz", .content = "c1", .artifact = "pkg:npm/c@1.0.0"});
  auto after = sample_files();
  after.push_back({.ecosystem = "npm", .path = "a/-/a-2.0.0.tgz", .content = "a2", .artifact = "pkg:npm/a@2.0.0"});
  after.push_back({.ecosystem = "npm", .path = "b/-/b-1.0.0.tgz", .content = "evil", .artifact = "pkg:npm/b@1.0.0"});
  after.push_back({.ecosystem = "npm", .path = "d/-/d-1.0.0.tgz", .content = "d1", .artifact = "pkg:npm/d@1.0.0"});
  const auto first = make_bundle(folder.path(), before, keys);
  const auto second = make_bundle(folder.path(), after, keys, {.serial = 2, .previous = first.contents});
  const InspectionDiff diff = compare(inspection_of(first), inspection_of(second));
  REQUIRE(diff.updated.size() == 1);
  CHECK(diff.updated[0].name == "a");
  CHECK(diff.updated[0].removed == std::vector<std::string>{"1.0.0"});
  CHECK(diff.updated[0].added == std::vector<std::string>{"2.0.0"});
  REQUIRE(diff.changed.size() == 1);
  CHECK(diff.changed[0].after.name == "b");
  REQUIRE(diff.added.size() == 1);
  CHECK(diff.added[0].name == "d");
  REQUIRE(diff.removed.size() == 1);
  CHECK(diff.removed[0].name == "c");
  CHECK(diff.kept == 3);
  const Inspection inspection = inspection_of(second);
  CHECK(render_text(inspection, &diff, Detail::summary).find("1.0.0 -> 2.0.0") != std::string::npos);
  CHECK(render_json(inspection, &diff)["difference"]["changed"].size() == 1);
  CHECK(render_html(inspection, &diff).find("Updated (1)") != std::string::npos);
}

TEST_CASE("paths that no name tells are shown with what came or changed", "[bundle][inspection]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto tool = [](const std::string& version, const std::string& file) {
    return BundleFile{.ecosystem = "tool",
                      .path = "helm/" + version + "/" + file,
                      .content = version + file,
                      .artifact = "pkg:generic/helm@" + version};
  };
  const std::string deep = std::string(70, 'd') + "/prod-root-ca.sh";  // longer than a cell
  const auto first = make_bundle(folder.path(), {text_file("a.txt", "a"), tool("1.0.0", "helm.zip")}, keys);
  const auto second =
      make_bundle(folder.path(), {text_file("a.txt", "a"), text_file(deep, "d"), tool("1.1.0", "installer.sh")}, keys,
                  {.serial = 2, .previous = first.contents});
  const model::BelongingRule rule = [](const model::FileRow& row) {
    return row.ecosystem == "file" ? model::Belonging::named : model::Belonging::beside;
  };
  const auto before = inspect(Head::read(first.head), bundle_time(1), rule);
  const auto after = inspect(Head::read(second.head), bundle_time(1), rule);
  CHECK(failures(after) == 0);
  const InspectionDiff diff = compare(before, after);
  REQUIRE(diff.updated.size() == 1);
  CHECK(diff.updated[0].paths == std::vector<std::string>{"helm/1.1.0/installer.sh"});
  const std::string text = render_text(after, &diff, Detail::summary);
  CHECK(text.find("helm/1.1.0/installer.sh") != std::string::npos);
  CHECK(text.find(deep) != std::string::npos);
  CHECK(render_text(after, nullptr, Detail::artifacts).find("helm/1.1.0/installer.sh") != std::string::npos);
  const std::string html = render_html(after, &diff);
  CHECK(html.find("helm/1.1.0/installer.sh") != std::string::npos);
  CHECK(html.find(deep) != std::string::npos);
  const base::Json json = render_json(after, &diff);
  CHECK(json["difference"]["updated"][0]["paths"][0] == "helm/1.1.0/installer.sh");
  CHECK(json["artifacts"].back()["paths"][0] == "helm/1.1.0/installer.sh");
  CHECK(json["artifacts"][0]["paths"].empty());  // a.txt says it itself
}

TEST_CASE("a path of another artifact than its row names is a failed check", "[bundle][inspection]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), {text_file("a.txt", "a"), text_file("b.txt", "b")}, keys);
  const model::BelongingRule rule = [](const model::FileRow& row) {
    return row.path == "b.txt" ? model::Belonging::no : model::Belonging::named;
  };
  const auto inspection = inspect(Head::read(made.head), bundle_time(1), rule);
  CHECK(failures(inspection) == 1);
  CHECK(has_failed(inspection, "'b.txt' is said to be of 'pkg:generic/b.txt@1.0.0', which has no such path"));
  CHECK(render_text(inspection, nullptr, Detail::artifacts).find("named in full\n    file  b.txt\n") !=
        std::string::npos);
  // Nor does an approver's machine, or a site, take it.
  EmptyStateStore state;
  VerifyOptions options = verify_options(keys);
  options.belongs = rule;
  CHECK(code_of([&] { return verify_head(Head::read(made.head), state, options); }) == base::ErrorCode::tampered);
  CHECK(code_of([&] { return prove_draft(Head::read(made.head), keys.first_root(), bundle_time(1), rule); }) ==
        base::ErrorCode::tampered);
}

TEST_CASE("what a bundle says cannot act in a terminal or a page", "[bundle][inspection]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  auto files = sample_files();
  files.push_back(text_file("<script>alert('x')</script>&\"", "x"));
  const auto made = make_bundle(folder.path(), files, keys);
  Inspection inspection = inspection_of(made);
  inspection.channel = "\x1b[2J<b>";
  inspection.artifacts[0].name = "<img src=x onerror=alert(1)>\xE2\x80\xAE";
  const std::string html = render_html(inspection, nullptr);
  CHECK(html.find("<script") == std::string::npos);
  CHECK(html.find("<img") == std::string::npos);
  CHECK(html.find("<b>") == std::string::npos);
  CHECK(html.find('\x1b') == std::string::npos);
  CHECK(html.find("\xE2\x80\xAE") == std::string::npos);
  CHECK(html.find("default-src 'none'") != std::string::npos);
  CHECK(html.find("http://") == std::string::npos);
  CHECK(html.find("src=\"") == std::string::npos);
  CHECK(html.find("href=") == std::string::npos);
  const std::string text = render_text(inspection, nullptr, Detail::artifacts);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("\xE2\x80\xAE") == std::string::npos);
}

TEST_CASE("the text of an inspection is aligned", "[bundle][inspection]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), sample_files(), keys, {.volume_size = 8192});
  const std::string text = render_text(inspection_of(made), nullptr, Detail::artifacts);
  CHECK(text.find("bundle       site-a 1\n") != std::string::npos);
  CHECK(text.find("approval     one person approved this\n") != std::string::npos);
  CHECK(text.find("listed only") != std::string::npos);
  CHECK(text.find("not checked") != std::string::npos);
}
