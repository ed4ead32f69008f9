// A draft that waits while keys change, or was made by a wrong clock: what is sealed is what every site takes.
#include "workflow/newer_root.hpp"

#include <algorithm>

#include "support/catch.hpp"
#include "trust/public_key_file.hpp"
#include "unit/workflow/near_host.hpp"
#include "workflow/approve.hpp"
#include "workflow/approved_head.hpp"
#include "workflow/base_state.hpp"
#include "workflow/root_change.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using Kind = RootChange::Kind;

// A builder with the key of one of two approvers; the second's was carried away.
class Builder {
 public:
  explicit Builder(bool split = false) {
    init_keys(home, {.threshold = 2, .root_key_folder = split ? at("safe") : fs::path()}, clock);
    fs::rename(home.keys() / "snapshot-2.pem", at("second.pem"));
    second = trust::load_private_key(at("second.pem"), std::nullopt);
    base::write_file_atomic(at("guide.txt"), "a guide\n");
    base::write_file_atomic(at("site.yaml"), "name: site-a\nfiles:\n  - { source: guide.txt, path: guide.txt }\n");
  }
  fs::path at(const std::string& name) const { return folder.path() / name; }
  fs::path create() {
    const KeyRing ring(home, std::nullopt);
    CreateOptions options;
    options.manifests = {at("site.yaml")};
    options.output = at("out").string() + "/";
    options.readback = Readback::never;
    return create_bundle(home, options, &ring, clock, reporter).bundle;
  }
  // As an approver who trusts `root`, by version.
  void sign(const fs::path& bundle, const trust::Signer& signer, std::uint64_t root = 1,
            const ApprovalOutput& output = {}) {
    Draft draft = open_draft(bundle, {}, read_own_roots(home).at(root - 1), clock.now());
    sign_draft(home, draft, {&signer}, output, clock, reporter);
  }
  ApproveReport seal(const SealOptions& options) {
    const KeyRing ring(home, std::nullopt);
    return seal_bundle(home, options, ring, clock, reporter);
  }
  RootProgress change(const RootChange& what) { return change_root(home, what, {}, clock); }
  // The second approver gets another key.
  std::unique_ptr<trust::Signer> replace_second() {
    auto key = trust::generate_key(trust::Scheme::ed25519);
    change({.kind = Kind::rotate,
            .role = "snapshot",
            .key = trust::PublicKeyFile{.role = "snapshot", .name = "ben", .key = key->public_key()},
            .keyid = second->public_key().keyid()});
    return key;
  }
  std::uint64_t root_at_a_site(const fs::path& bundle) const {
    return verify_own_head(bundle::Head::read(bundle), home).trusted().root.version;
  }

  base::TempDir folder;
  Home home{.root = folder.path() / "home", .config = folder.path() / "home"};
  base::FixedClock clock{base::parse_rfc3339("2026-07-01T12:00:00Z")};
  test::RecordingReporter reporter;
  std::unique_ptr<trust::Signer> second;
};

TEST_CASE("a draft is sealed under the root that came into force since", "[workflow][approve][newer_root]") {
  Builder builder;
  const fs::path bundle = builder.create();
  builder.sign(bundle, *builder.second);
  SECTION("another timestamp key") {
    builder.change({.kind = Kind::rotate, .role = "timestamp"});
  }
  SECTION("the same keys") {
    builder.change({.kind = Kind::renew});
  }
  SECTION("several changes") {
    builder.change({.kind = Kind::rotate, .role = "timestamp"});
    builder.change({.kind = Kind::rotate, .role = "timestamp"});
  }
  CHECK(builder.seal({.bundle = bundle}).sealed);
  CHECK(builder.root_at_a_site(bundle) == read_own_roots(builder.home).size());
  CHECK(verify_own_head(bundle::Head::read(bundle), builder.home).approvals() == 2);
}

TEST_CASE("an approver whose key was replaced approves again, and the draft lives on",
          "[workflow][approve][newer_root]") {
  Builder builder;
  const fs::path bundle = builder.create();
  SECTION("who signed before the change counts no more") {
    builder.sign(bundle, *builder.second);
    const auto ben = builder.replace_second();
    const auto error = test::error_of([&] { return builder.seal({.bundle = bundle}).sealed; });
    CHECK(error.code() == ErrorCode::approval_missing);
    CHECK_THAT(error.message(), Catch::Contains("was approved by 2 of 2 people under root version 1; root version 2 is "
                                                "in force, and under that it is 1 of 2"));
    CHECK_THAT(error.message(), Catch::Contains(ben->public_key().keyid().substr(0, 12)));
    CHECK_THAT(error.hint(), Catch::Contains(bundle.filename().string() + " has root version 2 now"));
    CHECK_THAT(error.hint(), Catch::Contains("carry it to whoever signs again"));
    // The head has the new root now, so that nobody has to bring it to whoever signs; the cause is still the same.
    const auto again = test::error_of([&] { return builder.seal({.bundle = bundle}).sealed; });
    CHECK(again.message() == error.message());
    CHECK(again.hint() == error.hint());
    builder.sign(bundle, *ben);
  }
  SECTION("nor does an approval on its way, and that is no alarm") {
    const fs::path file = builder.at("second.approval");
    builder.sign(bundle, *builder.second, 1, {.form = ApprovalOutput::Form::this_alone, .file = file});
    const auto ben = builder.replace_second();
    CHECK(test::code_of([&] { return builder.seal({.bundle = bundle, .approvals = {file}}).sealed; }) ==
          ErrorCode::approval_missing);
    const auto warnings = builder.reporter.warnings();
    REQUIRE_FALSE(warnings.empty());
    CHECK_THAT(warnings.back(), Catch::Contains("may approve no more under root version 2"));
    builder.sign(bundle, *ben);
  }
  SECTION("who signs with the new root at hand counts at once") {
    const auto ben = builder.replace_second();
    builder.sign(bundle, *ben, 2);
  }
  CHECK(builder.seal({.bundle = bundle}).sealed);
  CHECK(builder.root_at_a_site(bundle) == 2);
}

TEST_CASE("a draft whose catalogs nobody vouches for any more is made again", "[workflow][approve][newer_root]") {
  Builder builder;
  const fs::path bundle = builder.create();
  builder.sign(bundle, *builder.second);
  const std::string before = test::read_whole(bundle);
  builder.change({.kind = Kind::rotate, .role = "targets"});
  const auto error = test::error_of([&] { return builder.seal({.bundle = bundle}).sealed; });
  CHECK(error.code() == ErrorCode::conflict);
  CHECK_THAT(error.message(), Catch::Contains("was made under root version 1, and root version 2 is in force"));
  CHECK_THAT(error.hint(), Catch::Contains("make the bundle again"));
  CHECK(test::read_whole(bundle) == before);
}

std::string what_to_do(const fs::path& bundle) {
  const std::string name = bundle.filename().string();
  return "where " + name + " lies on a disk, leave out -o; else copy it and its volumes to one, run `chmod u+w " +
         name + "` and `airlock bundle seal " + name +
         "` there, with the files of approvals that there are, and write the medium again from it";
}

TEST_CASE("beside a closed head only what holds under its own roots is sealed", "[workflow][approve][newer_root]") {
  Builder builder;
  const fs::path bundle = builder.create();
  const std::string before = test::read_whole(bundle);
  const fs::path file = builder.at("carried.approval");
  builder.sign(bundle, *builder.second, 1, {.form = ApprovalOutput::Form::with_all, .file = file});
  SECTION("the same keys") {
    builder.change({.kind = Kind::renew});
    CHECK(builder.seal({.bundle = bundle, .output = file}).sealed);
    const auto opened = read_approved_head(bundle, {.heads = {}, .folders = {}, .approvals = {file}});
    CHECK(verify_own_head(opened.head, builder.home).approvals() == 2);
  }
  SECTION("another timestamp key") {
    builder.change({.kind = Kind::rotate, .role = "timestamp"});
    const auto error = test::error_of([&] { return builder.seal({.bundle = bundle, .output = file}).sealed; });
    CHECK(error.code() == ErrorCode::conflict);
    CHECK(error.message() == bundle.string() + " holds the roots up to version 1, and needs those up to version 2, "
                                               "which is in force; its own file cannot take them, since it cannot be "
                                               "written or -o was given");
    CHECK(error.hint() == what_to_do(bundle));
    CHECK_FALSE(bundle::read_approval(file).seal);
    // On a disk it goes on, with what was approved.
    CHECK(builder.seal({.bundle = bundle, .approvals = {file}}).sealed);
    CHECK(builder.root_at_a_site(bundle) == 2);
    return;
  }
  CHECK(test::read_whole(bundle) == before);
}

TEST_CASE("nobody is sent to approve what a closed head could not show to a site", "[workflow][approve][newer_root]") {
  Builder builder;
  const fs::path bundle = builder.create();
  const std::string before = test::read_whole(bundle);
  const fs::path file = builder.at("carried.approval");
  builder.sign(bundle, *builder.second, 1, {.form = ApprovalOutput::Form::with_all, .file = file});
  const auto ben = builder.replace_second();
  const auto error = test::error_of([&] { return builder.seal({.bundle = bundle, .output = file}).sealed; });
  CHECK(error.code() == ErrorCode::conflict);
  CHECK_THAT(error.message(), Catch::Contains("holds the roots up to version 1, and needs those up to version 2"));
  CHECK(error.hint() == what_to_do(bundle));
  CHECK(test::read_whole(bundle) == before);
  // On a disk the head takes the root, and whoever approves now signs that.
  CHECK(test::code_of([&] { return builder.seal({.bundle = bundle}).sealed; }) == ErrorCode::approval_missing);
  builder.sign(bundle, *ben);
  CHECK(builder.seal({.bundle = bundle}).sealed);
  CHECK(builder.root_at_a_site(bundle) == 2);
}

TEST_CASE("a closed head waits for those whom both roots list", "[workflow][approve][newer_root]") {
  Builder builder;
  const fs::path bundle = builder.create();
  const fs::path file = builder.at("carried.approval");
  builder.change({.kind = Kind::renew});
  CHECK(test::code_of([&] { return builder.seal({.bundle = bundle, .output = file}).sealed; }) ==
        ErrorCode::approval_missing);
}

TEST_CASE("nor where its seal would be by a key of timestamp that its roots do not list",
          "[workflow][approve][newer_root]") {
  Builder builder;
  const fs::path bundle = builder.create();
  const fs::path file = builder.at("carried.approval");
  builder.change({.kind = Kind::rotate, .role = "timestamp"});
  const auto error = test::error_of([&] { return builder.seal({.bundle = bundle, .output = file}).sealed; });
  CHECK(error.code() == ErrorCode::conflict);
  CHECK_THAT(error.message(), Catch::Contains("holds the roots up to version 1, and needs those up to version 2"));
}

TEST_CASE("nobody is asked to carry a head again for a root that lists the same people",
          "[workflow][approve][newer_root]") {
  Builder builder;
  const fs::path bundle = builder.create();
  builder.change({.kind = Kind::renew});
  const auto error = test::error_of([&] { return builder.seal({.bundle = bundle}).sealed; });
  CHECK(error.code() == ErrorCode::approval_missing);
  CHECK_THAT(error.hint(), !Catch::Contains("carry it"));
}

TEST_CASE("keys are opened when enough people have approved", "[workflow][approve][newer_root]") {
  Builder builder;
  const fs::path bundle = builder.create();
  std::size_t opened = 0;
  const KeyRing ring(builder.home, std::nullopt);
  const OpenRing open = [&]() -> const KeyRing& {
    ++opened;
    return ring;
  };
  const auto seal = [&] {
    return seal_bundle(builder.home, {.bundle = bundle}, open, builder.clock, builder.reporter).sealed;
  };
  CHECK(test::code_of(seal) == ErrorCode::approval_missing);
  CHECK(opened == 0);
  builder.sign(bundle, *builder.second);
  CHECK(seal());
  CHECK(opened == 1);
}

TEST_CASE("a bundle that was made later than now is shown and sealed with a warning", "[workflow][approve]") {
  Builder builder;
  const base::Time now = builder.clock.now();
  builder.clock.set(now + std::chrono::days(40));
  const fs::path bundle = builder.create();
  builder.clock.set(now);
  const Draft draft = open_draft(bundle, {}, read_own_roots(builder.home).back(), now);
  CHECK_THAT(future_warning(draft, now).value_or(""), Catch::Contains("made on 2026-08-10T12:00:00Z, and here it is "
                                                                      "2026-07-01T12:00:00Z"));
  CHECK_FALSE(future_warning(draft, now + std::chrono::days(39)));
  CHECK_THAT(review_text(draft, std::nullopt, "the root of this test", builder.home, now),
             Catch::Contains("it was not made later than now"));
  builder.sign(bundle, *builder.second);
  CHECK(builder.seal({.bundle = bundle}).sealed);
  const auto warnings = builder.reporter.warnings();
  CHECK(std::ranges::any_of(warnings, [](const std::string& text) {
    return text.find("the builder's clock was ahead") != std::string::npos;
  }));
}

TEST_CASE("while a root is pending that takes a key away, drafts are warned of", "[workflow][approve][newer_root]") {
  Builder builder(true);
  const auto warned = [&] {
    builder.create();
    const auto warnings = builder.reporter.warnings();
    return std::ranges::any_of(
        warnings, [](const std::string& text) { return text.find("root version 2 is pending") != std::string::npos; });
  };
  CHECK_FALSE(warned());
  builder.change({.kind = Kind::rotate, .role = "timestamp"});  // a seal takes that up
  CHECK_FALSE(pending_root_warning(builder.home));
  CHECK_FALSE(warned());
  builder.change({.kind = Kind::rotate, .role = "targets"});
  CHECK_THAT(pending_root_warning(builder.home).value_or(""), Catch::Contains("of role targets"));
  CHECK(warned());
}

}  // namespace
}  // namespace airlock::workflow
