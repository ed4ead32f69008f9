// Several people at one bundle: at once, and after a command that was killed half way.
#include <map>
#include <thread>

#include "support/catch.hpp"
#include "unit/workflow/near_host.hpp"
#include "workflow/approve.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/patient_lock.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

// Three approvers; the keys of the second and third were carried away.
class ThreePeople {
 public:
  ThreePeople() {
    init_keys(home, {.threshold = 3}, clock);
    for (const std::string name : {"snapshot-2.pem", "snapshot-3.pem"}) {
      fs::rename(home.keys() / name, folder.path() / name);
    }
    second = trust::load_private_key(folder.path() / "snapshot-2.pem", std::nullopt);
    third = trust::load_private_key(folder.path() / "snapshot-3.pem", std::nullopt);
    ring = std::make_unique<KeyRing>(home, std::nullopt);
  }
  fs::path create(const std::string& content, std::optional<std::uint64_t> volume_size = std::nullopt) {
    base::write_file_atomic(folder.path() / "a.txt", content);
    base::write_file_atomic(folder.path() / "site.yaml",
                            "name: site-a\nfiles:\n  - { source: a.txt, path: data/a.txt }\n");
    CreateOptions options;
    options.manifests = {folder.path() / "site.yaml"};
    options.output = (folder.path() / "out").string() + "/";
    options.readback = Readback::never;
    options.volume_size = volume_size;
    return create_bundle(home, options, ring.get(), clock, reporter).bundle;
  }
  Draft open(const fs::path& bundle) { return open_draft(bundle, {}, ring->roots().back(), clock.now()); }
  ApproveReport sign(Draft& draft, const trust::Signer& signer, const ApprovalOutput& output = {}) {
    return sign_draft(home, draft, {&signer}, output, clock, reporter);
  }
  ApproveReport sign(const fs::path& bundle, const trust::Signer& signer) {
    Draft draft = open(bundle);
    return sign(draft, signer);
  }
  ApproveReport seal(const fs::path& bundle) { return seal_bundle(home, {.bundle = bundle}, *ring, clock, reporter); }
  ChannelState state() const { return {home, "site-a"}; }
  // The sum of a file as the set's list has it.
  bool is_listed(const fs::path& file) const {
    const auto sums = test::read_whole(folder.path() / "out" / "site-a-1.sha256");
    return sums.find(base::sha256(test::read_whole(file)).hex()) != std::string::npos;
  }

  base::TempDir folder;
  Home home{.root = folder.path() / "home", .config = folder.path() / "home"};
  base::FixedClock clock{base::parse_rfc3339("2026-07-01T12:00:00Z")};
  test::RecordingReporter reporter;
  std::unique_ptr<KeyRing> ring;
  std::unique_ptr<trust::Signer> second, third;
};

TEST_CASE("two who look at one draft at the same time both approve it", "[workflow][approve]") {
  ThreePeople people;
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(128 * 1024));
  const fs::path bundle = people.create("content", volume_size);
  Draft one = people.open(bundle);
  Draft other = people.open(bundle);
  SECTION("in the head") {
    CHECK(people.sign(one, *people.second).approvals == 2);
    CHECK(people.sign(other, *people.third).approvals == 3);
    CHECK(people.open(bundle).count().approved.size() == 3);
  }
  SECTION("the second one's word counts also where the first one has sealed meanwhile") {
    people.sign(one, *people.second);
    people.sign(bundle, *people.third);
    people.seal(bundle);
    const std::string sealed = test::read_whole(bundle);
    CHECK(test::code_of([&] { return people.sign(other, *people.third).added; }) == ErrorCode::conflict);
    CHECK(test::read_whole(bundle) == sealed);
  }
  SECTION("while a third one holds the head") {
    std::optional<HeadLock> held(std::in_place, bundle);
    std::jthread signing([&] { people.sign(one, *people.second); });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    CHECK(people.state().last()->contents().metadata == bundle::Head::read(bundle).contents().metadata);
    held.reset();
    signing.join();
    CHECK(people.sign(other, *people.third).approvals == 3);
  }
  CHECK(people.state().last()->hint().serial == 1);
}

TEST_CASE("an older bundle that is sealed while the next one is made does not turn the channel back",
          "[workflow][approve]") {
  ThreePeople people;
  const fs::path first = people.create("one");
  people.sign(first, *people.second);
  people.sign(first, *people.third);
  people.create("two");
  CHECK(people.seal(first).sealed);
  CHECK(people.state().last()->hint().serial == 2);
  // A revocation goes on from what sites have: it must know that the first one is sealed.
  CHECK_FALSE(people.state().before_last()->shipment().empty());
  CHECK(people.create("three").filename() == "site-a-3.airlock");

  const auto old = people.state().before_last()->contents();
  const auto newest = people.state().last()->contents();
  std::jthread sealing([&] {
    for (int i = 0; i < 50; ++i) {
      people.state().update_state(old);
    }
  });
  for (int i = 0; i < 50; ++i) {
    people.state().add_state(newest, std::nullopt);
    CHECK(people.state().last()->hint().serial == 3);
  }
}

TEST_CASE("a seal that was killed after the head is brought to its end by the same command", "[workflow][approve]") {
  ThreePeople people;
  const fs::path bundle = people.create("content");
  people.sign(bundle, *people.second);
  const auto beside = [&](std::string_view extension) { return fs::path(bundle).replace_extension(extension); };
  std::map<fs::path, std::string> before;
  for (const std::string_view extension : {".txt", ".html", ".sha256"}) {
    before[beside(extension)] = test::read_whole(beside(extension));
  }
  const auto put_back = [&] {
    for (const auto& [file, content] : before) {
      base::write_file_atomic(file, content);
    }
  };
  const fs::path leftover = bundle.parent_path() / ".airlock-0123456789abcdef0123456789abcdef.tmp";

  SECTION("sign") {
    people.sign(bundle, *people.third);
    put_back();
    REQUIRE_FALSE(people.is_listed(bundle));
    CHECK(people.sign(bundle, *people.third).added == 0);
  }
  SECTION("seal") {
    people.sign(bundle, *people.third);
    people.seal(bundle);
    const std::string sealed = test::read_whole(bundle);
    put_back();
    base::write_file_atomic(leftover, "half of something");
    REQUIRE_FALSE(people.is_listed(bundle));
    const ApproveReport report = people.seal(bundle);
    CHECK(report.sealed);
    CHECK(report.approvals == 3);
    CHECK(report.serial == 1);
    CHECK(test::read_whole(bundle) == sealed);
    CHECK(test::read_whole(beside(".txt")).find("draft") == std::string::npos);
    CHECK_FALSE(fs::exists(leftover));
  }
  CHECK(people.is_listed(bundle));
  CHECK(people.is_listed(beside(".txt")));
  CHECK(people.is_listed(beside(".html")));
}

TEST_CASE("a seal that was killed before the head had it makes no second timestamp", "[workflow][approve]") {
  ThreePeople people;
  const fs::path bundle = people.create("content");
  people.sign(bundle, *people.second);
  people.sign(bundle, *people.third);
  const std::string approved = test::read_whole(bundle);
  people.seal(bundle);
  const auto sealed = bundle::Head::read(bundle).metadata("timestamp.json");
  base::write_file_atomic(bundle, approved);
  people.clock.set(base::parse_rfc3339("2026-07-02T12:00:00Z"));
  CHECK(people.seal(bundle).sealed);
  CHECK(bundle::Head::read(bundle).metadata("timestamp.json") == sealed);
}

}  // namespace
}  // namespace airlock::workflow
