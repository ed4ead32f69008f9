// Volumes: swapped, foreign, damaged, with other contents than they should have.
#include "attack_kit.hpp"

#include "base/tar.hpp"
#include "bundle/placement.hpp"

using namespace airlock;
using namespace airlock::test;

namespace {

struct Set {
  explicit Set(const ProducerKeys& keys, std::uint64_t serial = 1)
      : made(make_bundle(folder.path(), sample_files(), keys, {.serial = serial, .volume_size = 8192})) {}
  base::TempDir folder;
  MadeBundle made;
};

}  // namespace

TEST_CASE("the names of volumes mean nothing", "[attacks]") {
  const ProducerKeys keys;
  Set set(keys);
  REQUIRE(set.made.volumes.size() >= 3);
  CHECK(fate(set.made.head, verify_options(keys)) == "ok");
  std::filesystem::rename(set.made.volumes[0], set.folder.path() / "x");
  std::filesystem::rename(set.made.volumes[1], set.made.volumes[0]);
  std::filesystem::rename(set.folder.path() / "x", set.made.volumes[1]);
  CHECK(fate(set.made.head, verify_options(keys)) == "ok");
}

TEST_CASE("a volume of another bundle does not stand in for one of this", "[attacks]") {
  const ProducerKeys keys;
  Set set(keys), other(keys, 2);
  std::filesystem::copy_file(other.made.volumes[0], set.made.volumes[0],
                             std::filesystem::copy_options::overwrite_existing);
  CHECK(fate(set.made.head, verify_options(keys)) == "volume-missing");
}

TEST_CASE("the head of another bundle does not take these volumes", "[attacks]") {
  const ProducerKeys keys;
  Set set(keys), other(keys, 2);
  std::filesystem::copy_file(other.made.head, set.made.head, std::filesystem::copy_options::overwrite_existing);
  CHECK(fate(set.made.head, verify_options(keys)) == "volume-missing");
}

TEST_CASE("a volume whose hint claims this set brings only what is needed, if it is right", "[attacks]") {
  const ProducerKeys keys;
  Set set(keys), other(keys, 2);
  auto members = take_apart(other.made.volumes[0]);
  members[0].content = take_apart(set.made.volumes[0])[0].content;
  write_bytes(set.made.volumes[0], put_together(members));
  // Both begin with the same blobs, which is all that is taken of it.
  CHECK(fate(set.made.head, verify_options(keys)) == "ok");
  members = take_apart(set.made.volumes[1]);
  for (auto& member : members) {
    if (member.name.starts_with("blobs/")) {
      member.content.assign(member.content.size(), 'e');
    }
  }
  write_bytes(set.made.volumes[1], put_together(members));
  CHECK(fate(set.made.head, verify_options(keys)) == "tampered");
}

TEST_CASE("a copy of a volume whose part has another length hides no good one", "[attacks]") {
  const ProducerKeys keys;
  const base::TempDir folder;
  const auto made = make_bundle(folder.path(),
                                {{.ecosystem = "file",
                                  .path = "large.bin",
                                  .content = std::string(30'000, 'l'),
                                  .artifact = "pkg:generic/large.bin"}},
                                keys, {.volume_size = 8192});
  REQUIRE(made.volumes.size() >= 3);
  auto members = take_apart(made.volumes[1]);
  auto part = std::ranges::find_if(members, [](const auto& member) { return member.name.starts_with("blobs/"); });
  REQUIRE(part != members.end());
  const bool longer = GENERATE(false, true);
  part->content.resize(part->content.size() + (longer ? 1 : 0) - (longer ? 0 : 1));
  write_bytes(folder.path() / "000", put_together(members));
  CHECK(fate(made.head, verify_options(keys)) == "ok");
}

TEST_CASE("volumes of two sendings of one state are not mixed unseen", "[attacks]") {
  const ProducerKeys keys;
  const base::TempDir folder, again;
  const auto first = make_bundle(folder.path(), sample_files(), keys, {.volume_size = 8192});
  // The same state again, cut otherwise.
  const auto second =
      make_bundle(again.path(), sample_files(), keys,
                  {.shipment = 2, .volume_size = 10'240, .single_file = again.path() / "second.airlock"});
  REQUIRE(fate(second.head, verify_options(keys)) == "ok");
  REQUIRE(read_bytes(first.volumes[0]) != read_bytes(second.volumes[0]));
  // A volume of the other sending in the place of one's own: named, kept out, and what it would have held is missed.
  const std::string own = read_bytes(first.volumes[0]);
  write_bytes(first.volumes[0], read_bytes(second.volumes[0]));
  CHECK(fate(first.head, verify_options(keys)) == "volume-missing");
  const auto map = bundle::BlobMap::scan(bundle::Head::read(first.head), {});
  const auto is_foreign = [](const base::Finding& finding) { return finding.code == base::ErrorCode::foreign; };
  CHECK(std::count_if(map.findings().begin(), map.findings().end(), is_foreign) == 1);
  write_bytes(first.volumes[0], own);
  CHECK(fate(first.head, verify_options(keys)) == "ok");
  // The head of the one sending over the volumes of the other.
  std::filesystem::copy_file(first.head, second.head, std::filesystem::copy_options::overwrite_existing);
  CHECK(fate(second.head, verify_options(keys)) == "volume-missing");
}

TEST_CASE("a blob that nobody listed is not taken", "[attacks]") {
  const ProducerKeys keys;
  Set set(keys);
  auto members = take_apart(set.made.volumes[0]);
  members.push_back({.name = "blobs/sha256/" + base::sha256("evil").hex(), .content = "evil"});
  write_bytes(set.made.volumes[0], put_together(members));
  const Fate outcome = fate(set.made.head, verify_options(keys));
  CHECK(outcome == "ok");  // it is there, and nothing asks for it
  CHECK_FALSE(outcome.stored.contains(base::sha256("evil").hex()));
}

TEST_CASE("links and devices in a volume put the whole volume aside", "[attacks]") {
  const ProducerKeys keys;
  const char type = GENERATE('1', '2', '3', '4', '5', '6', 'g', 'S', 'L');
  Set set(keys);
  auto members = take_apart(set.made.volumes[0]);
  members.push_back({.name = "blobs/sha256/" + base::sha256("evil").hex(), .content = "", .type = type});
  write_bytes(set.made.volumes[0], put_together(members));
  const Fate outcome = fate(set.made.head, verify_options(keys));
  CHECK(outcome == "tampered");
  CHECK(outcome.says("the whole file was left out"));
}

TEST_CASE("a flipped bit in a volume is found", "[attacks]") {
  const ProducerKeys keys;
  Set set(keys);
  for (const auto& volume : set.made.volumes) {
    const std::string honest = read_bytes(volume);
    for (std::size_t at = 0; at < honest.size(); at += 97) {
      std::string changed = honest;
      changed[at] = static_cast<char>(changed[at] ^ (1 << (at % 8)));
      write_bytes(volume, changed);
      CAPTURE(volume.filename(), at);
      const std::string outcome = fate(set.made.head, verify_options(keys));
      if (at < bundle::k_volume_front) {  // a hint decides nothing: what it says may change without harm
        CHECK((outcome == "volume-missing" || outcome == "tampered" || outcome == "ok"));
      } else {
        CHECK(outcome == "tampered");
      }
    }
    write_bytes(volume, honest);
  }
}

TEST_CASE("parts in disorder do not make a blob", "[attacks]") {
  const ProducerKeys keys;
  const base::TempDir folder;
  const std::string large(20'000, 'x');
  const auto made = make_bundle(folder.path(), {text_file("large", large + "end")}, keys, {.volume_size = 8192});
  CHECK(fate(made.head, verify_options(keys)) == "ok");
  const auto change = [&](std::size_t volume, const std::function<void(RawMember&)>& edit) {
    const std::string honest = read_bytes(made.volumes[volume]);
    auto members = take_apart(made.volumes[volume]);
    edit(members[index_of(members, ".p000")]);
    write_bytes(made.volumes[volume], put_together(members));
    const std::string outcome = fate(made.head, verify_options(keys));
    write_bytes(made.volumes[volume], honest);
    return outcome;
  };
  const auto rename = [](const std::string& to) {
    return [to](RawMember& member) { member.name.replace(member.name.size() - 4, 4, to); };
  };
  CHECK(change(0, rename("0002")) == "volume-missing");
  CHECK(change(1, rename("0001")) == "volume-missing");
  CHECK(change(1, rename("0009")) == "volume-missing");
  CHECK(change(0, rename("0000")) == "tampered");
  CHECK(change(1, [](RawMember& member) { member.content.pop_back(); }) == "volume-missing");
  CHECK(change(1, [](RawMember& member) { member.content += 'x'; }) == "tampered");
  CHECK(change(1, [](RawMember& member) { member.content[5] = 'y'; }) == "tampered");
}
