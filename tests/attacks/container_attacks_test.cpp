// The tar itself: bits, members, kinds of members, cut files.
#include "attack_kit.hpp"

#include "base/tar.hpp"

using namespace airlock;
using namespace airlock::test;

namespace {

// Bytes `first` to `last` of a file's hint that say which airlock can read it.
std::pair<std::size_t, std::size_t> place_of_needs(std::string_view hint) {
  constexpr std::string_view key = "\"needs\":\"";
  const std::size_t first = hint.find(key) + key.size();
  return {first, hint.find('"', first)};
}

// Refused for good (3) by everything that is proven. Two things are not, as nothing vouches for them before they are
// used: without its first name a file is no bundle, and a hint may ask for a later airlock (1).
// A head alone is proven under a root and for a channel that are given; where that says anything else, verify and
// import are asked, which choose both by what the head says.
void check_is_refused(Scene& scene, const std::string& bytes, const RawMember& member,
                      std::optional<std::size_t> at_in_content) {
  // Of blobs the import has to find it.
  Fate outcome = member.name.starts_with("blobs/") ? scene.fate_of_bytes(bytes) : scene.fate_of_head_bytes(bytes);
  if (outcome.exit_code != 3) {
    outcome = scene.fate_of_bytes(bytes);
  }
  if (member.name == "airlock.json" && at_in_content) {
    const auto [first, last] = place_of_needs(member.content);
    if (*at_in_content >= first && *at_in_content < last && outcome == "unsupported") {
      return;
    }
  }
  // "foreign": its hint says another channel than what was signed.
  CHECK((outcome == "tampered" || outcome == "untrusted" || (member.name == "airlock.json" && outcome == "foreign")));
  CHECK(outcome.exit_code == 3);
}

}  // namespace

TEST_CASE("the scene of these attacks is an honest bundle", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  CHECK(scene.fate_of_bytes(read_bytes(scene.made.head)) == "ok");
  CHECK(scene.fate_with(scene.made.contents) == "ok");
}

TEST_CASE("a flipped bit anywhere is found", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string honest = read_bytes(scene.made.head);
  std::uint64_t offset = 0;
  unsigned bit = 0;
  for (const RawMember& member : scene.members) {
    const std::uint64_t size = base::tar_member_size(member.content.size());
    // Each member's header and content at about sixty places; what follows the content is padding.
    const std::uint64_t step = std::max<std::uint64_t>(size / 60, 1) | 1;
    for (std::uint64_t at = 0; at < size; at += step) {
      std::string changed = honest;
      changed[offset + at] = static_cast<char>(changed[offset + at] ^ (1 << (bit++ % 8)));
      CAPTURE(member.name, at);
      if (member.name == "airlock.json" && at <= member.name.size()) {
        CHECK(scene.fate_of_head_bytes(changed) == "malformed");  // "is not an airlock bundle"
        continue;
      }
      const std::uint64_t header = base::tar_header_size(member.content.size());
      check_is_refused(scene, changed, member, at < header ? std::nullopt : std::optional<std::size_t>(at - header));
    }
    offset += size;
  }
  for (std::uint64_t at = offset; at < honest.size(); at += 100) {
    std::string changed = honest;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK(scene.fate_of_bytes(changed) == "tampered");
  }
}

TEST_CASE("every byte of the files that no other file vouches for is covered", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string name = GENERATE("timestamp.json", "shipment.dsse.json", "1.root.json", "airlock.json");
  const std::size_t member = index_of(scene.members, name);
  const std::string honest = scene.members[member].content;
  for (std::size_t at = 0; at < honest.size(); ++at) {
    auto members = scene.members;
    members[member].content[at] = static_cast<char>(honest[at] ^ (1 << (at % 8)));
    CAPTURE(name, at);
    check_is_refused(scene, put_together(members), scene.members[member], at);
  }
}

TEST_CASE("a member that is removed is missed", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  for (std::size_t i = 0; i < scene.members.size(); ++i) {
    auto members = scene.members;
    const std::string name = members[i].name;
    members.erase(members.begin() + static_cast<std::ptrdiff_t>(i));
    CAPTURE(name);
    const Fate outcome = scene.fate_of_bytes(put_together(members));
    if (name == "airlock.json") {
      CHECK(outcome == "malformed");  // by its first bytes it is no bundle
      CHECK(outcome.exit_code == 1);
    } else if (name == "metadata/timestamp.json" || name == "metadata/shipment.dsse.json") {
      CHECK(outcome == "approval-missing");
    } else if (name.starts_with("blobs/")) {
      CHECK(outcome == "volume-missing");
    } else if (name == "metadata/1.root.json") {
      CHECK(outcome == "untrusted");  // nothing leads to a root that is pinned
    } else {
      CHECK(outcome == "tampered");
    }
  }
}

TEST_CASE("a member that is there twice is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  for (std::size_t i = 0; i < scene.members.size(); ++i) {
    auto members = scene.members;
    const RawMember copy = members[i];
    const bool next_to_it = GENERATE(true, false);
    members.insert(next_to_it ? members.begin() + static_cast<std::ptrdiff_t>(i) : members.end(), copy);
    CAPTURE(copy.name, next_to_it);
    CHECK(scene.fate_of_bytes(put_together(members)) == "tampered");
  }
}

TEST_CASE("members that do not belong there are refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string hex = base::sha256("evil").hex();
  const auto name = GENERATE_COPY(values<std::string>(
      {"evil", "metadata/evil", "metadata/9.evil.json", "metadata/2.root.json", "metadata/2.snapshot.json",
       "metadata/99.oci.json", "targets/" + hex + ".evil", "targets/oci/catalog/" + hex + ".01.jsonl", "blobs/evil",
       "blobs/sha512/" + hex, "../../etc/passwd", "/etc/passwd", "targets/../x", ".", "metadata/room2",
       "index.json.bak"}));
  for (std::size_t i = 1; i <= scene.members.size(); i += 3) {
    auto members = scene.members;
    members.insert(members.begin() + static_cast<std::ptrdiff_t>(i), RawMember{.name = name, .content = "evil"});
    CAPTURE(name, i);
    CHECK(scene.fate_of_bytes(put_together(members)) == "tampered");
  }
}

TEST_CASE("links, devices, directories and sparse members are refused wherever they stand", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const char type = GENERATE('1', '2', '3', '4', '5', '6', '7', 'g', 'x', 'L', 'K', 'S', 'A', '\0');
  for (const std::string name :
       {"airlock.json", "1.root.json", "room", "descriptor.json", "oci-layout", "blobs/sha256/"}) {
    auto members = scene.members;
    members[index_of(members, name)].type = type;
    CAPTURE(name, type);
    CHECK(scene.fate_of_bytes(put_together(members)) == "tampered");
  }
}

TEST_CASE("a header that other readers read differently is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto put_octal_sum = [](std::string& block) {
    block.replace(148, 8, "        ");
    unsigned sum = 0;
    for (const char c : block) {
      sum += static_cast<unsigned char>(c);
    }
    char text[8];
    std::snprintf(text, sizeof text, "%06o", sum);
    block.replace(148, 8, std::string(text, 7) + " ");
  };
  // The bundle with `insert` in front of a member, whose own header `edit` changes.
  const auto with = [&](const std::string& name, const std::string& insert,
                        const std::function<void(std::string&)>& edit) {
    std::string bytes;
    const std::size_t at = index_of(scene.members, name);
    for (std::size_t i = 0; i < scene.members.size(); ++i) {
      std::string block = raw_header(scene.members[i]);
      if (i == at) {
        bytes += insert;
        edit(block);
        put_octal_sum(block);
      }
      bytes += block + scene.members[i].content;
      bytes.append(base::tar_padding(scene.members[i].content.size()), '\0');
    }
    return scene.fate_of_bytes(bytes + std::string(base::k_tar_end_size, '\0'));
  };
  const auto extension = [&](char type, const std::string& name, std::string content) {
    std::string text = raw_header({.name = name, .content = content, .type = type}) + content;
    return text + std::string(base::tar_padding(content.size()), '\0');
  };
  const auto as_it_is = [](std::string&) {};
  const std::string member = GENERATE("descriptor.json", "blobs/sha256/");
  CAPTURE(member);
  REQUIRE(with(member, "", as_it_is) == "ok");
  // Sizes: by pax against ustar's, negative, base-256, with blanks, not octal.
  CHECK(with(member, extension('x', "././@PaxHeader", "12 size=700\n"), as_it_is) == "tampered");
  CHECK(with(member, extension('x', "././@PaxHeader", "10 size=0\n"), as_it_is) == "tampered");
  CHECK(with(member, extension('x', "././@PaxHeader", "11 size=-1\n"), as_it_is) == "tampered");
  CHECK(with(member, extension('x', "././@PaxHeader", "20 size=8589934592\n"), as_it_is) == "tampered");
  CHECK(with(member, extension('x', "././@PaxHeader", "30 path=targets/../../etc/pass\n"), as_it_is) == "tampered");
  CHECK(with(member, extension('x', "././@PaxHeader", "28 GNU.sparse.realsize=9999\n"), as_it_is) == "tampered");
  CHECK(with(member, extension('x', "././@PaxHeader", std::string(100'000, '1')), as_it_is) == "tampered");
  CHECK(with(member, extension('g', "pax_global_header", "19 comment=anything\n"), as_it_is) == "tampered");
  CHECK(with(member, extension('L', "././@LongLink", "blobs/sha256/" + std::string(200, 'a')), as_it_is) == "tampered");
  CHECK(with(member, extension('K', "././@LongLink", "/etc/passwd"), as_it_is) == "tampered");
  CHECK(with(member, "", [](std::string& block) { block.replace(124, 12, "\x80" + std::string(10, '\0') + "\x08"); }) ==
        "tampered");
  CHECK(with(member, "", [](std::string& block) { block.replace(124, 12, std::string(12, '\xFF')); }) == "tampered");
  CHECK(with(member, "", [](std::string& block) { block.replace(124, 12, "         10 "); }) == "tampered");
  CHECK(with(member, "", [](std::string& block) { block.replace(124, 12, "-0000000010\0"); }) == "tampered");
  // Names: continued in ustar's prefix, with what follows a NUL, without a NUL.
  CHECK(with(member, "", [](std::string& block) { block.replace(345, 4, "evil"); }) == "tampered");
  CHECK(with(member, "", [](std::string& block) { block.replace(95, 4, "evil"); }) == "tampered");
  // Owners, modes, times, magic, devices.
  CHECK(with(member, "", [](std::string& block) { block.replace(100, 7, "0004755"); }) == "tampered");
  CHECK(with(member, "", [](std::string& block) { block.replace(108, 7, "0001750"); }) == "tampered");
  CHECK(with(member, "", [](std::string& block) { block.replace(265, 4, "root"); }) == "tampered");
  CHECK(with(member, "", [](std::string& block) { block.replace(257, 8, "ustar  \0"); }) == "tampered");
  CHECK(with(member, "", [](std::string& block) { block.replace(329, 7, "0000001"); }) == "tampered");
  CHECK(with(member, "", [](std::string& block) { block.replace(157, 4, "evil"); }) == "tampered");
}

TEST_CASE("a head is read once, and the medium has no second say", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const bundle::Head head = bundle::Head::read(scene.made.head);
  const std::string honest = read_bytes(scene.made.head);
  // Between the two looks the stick shows another head, of the same size.
  write_bytes(scene.made.head, std::string(head.size(), 'x') + honest.substr(head.size()));
  bundle::EmptyStateStore state;
  const auto verified = bundle::verify_head(head, state, verify_options(keys));
  CHECK(verified.descriptor().serial == 1);
  CHECK(head.contents().metadata == scene.made.contents.metadata);
  CHECK(head.contents().targets == scene.made.contents.targets);
}

TEST_CASE("an archive inside a blob is bytes like any other", "[attacks]") {
  const ProducerKeys keys;
  const base::TempDir folder;
  const std::string inner = put_together(
      {{.name = "../../etc/passwd", .content = "evil", .type = '2'}, {.name = "airlock.json", .content = "{}"}});
  const auto made = make_bundle(folder.path(), {text_file("inner.tar", inner)}, keys);
  CHECK(fate(made.head, verify_options(keys)) == "ok");
  // As the bundle itself it is none.
  write_bytes(folder.path() / "inner.airlock", inner);
  CHECK(fate(folder.path() / "inner.airlock", verify_options(keys)) == "malformed");
}

TEST_CASE("a header that promises more than there is cannot reach beyond the file", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::uint64_t announced = GENERATE(1ull << 20, 1ull << 32, (1ull << 33) - 1);
  for (const std::string name : {"1.root.json", "room", "descriptor.json", "index.json"}) {
    auto members = scene.members;
    members[index_of(members, name)].announced = announced;
    CAPTURE(name, announced);
    const std::string outcome = scene.fate_of_bytes(put_together(members));
    CHECK((outcome == "truncated" || outcome == "tampered"));
  }
  auto members = scene.members;
  members.back().announced = announced;
  CHECK(scene.fate_of_bytes(put_together(members)) == "truncated");
}

TEST_CASE("a bundle that is cut at any block is incomplete, not broken in another way", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string honest = read_bytes(scene.made.head);
  for (std::size_t length = 0; length < honest.size(); length += 512) {
    CAPTURE(length);
    if (length + 1024 >= honest.size()) {
      // Only the end is missing, which holds nothing: an import has all that it needs, and who verifies copies it
      // again.
      const base::TempDir folder;
      write_bytes(folder.path() / "cut", honest.substr(0, length));
      CHECK(fate_of_verify(folder.path() / "cut", verify_options(keys)) == "truncated");
      continue;
    }
    const std::string outcome = scene.fate_of_bytes(honest.substr(0, length));
    CHECK((outcome == "truncated" || outcome == "volume-missing"));
  }
}

TEST_CASE("nothing may follow the end of a bundle", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string honest = read_bytes(scene.made.head);
  CHECK(scene.fate_of_bytes(honest + std::string(512, '\0')) == "tampered");
  CHECK(scene.fate_of_bytes(honest + honest) == "tampered");
  CHECK(scene.fate_of_bytes(honest + "x") == "tampered");
}

TEST_CASE("a blob's bytes under another blob's name are found", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  auto members = scene.members;
  const std::size_t first = index_of(members, "blobs/sha256/");
  std::swap(members[first].name, members[first + 1].name);
  CHECK(scene.fate_of_bytes(put_together(members)) == "tampered");
}

TEST_CASE("a blob that nobody listed, behind a bundle in one file, is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string hex = base::sha256("evil").hex();
  for (const std::string ending : {"", ".p0001", ".p0007"}) {
    for (const bool first : {true, false}) {
      auto members = scene.members;
      const std::size_t at = first ? index_of(members, "blobs/sha256/") : members.size();
      members.insert(members.begin() + static_cast<std::ptrdiff_t>(at),
                     RawMember{.name = "blobs/sha256/" + hex + ending, .content = "evil"});
      CAPTURE(ending, first);
      const Fate outcome = scene.fate_of_bytes(put_together(members));
      CHECK(outcome == "tampered");
      CHECK(outcome.exit_code == 3);
      CHECK(outcome.says("but not listed"));
      CHECK(outcome.stored.empty());
    }
  }
}
