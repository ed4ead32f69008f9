// The tar itself: bits, members, kinds of members, cut files.
#include "attack_kit.hpp"

#include "base/tar.hpp"

using namespace airlock;
using namespace airlock::test;

namespace {

bool is_refusal(const std::string& outcome) {
  for (const char* accepted : {"tampered", "untrusted", "foreign", "truncated", "malformed", "unsupported", "limit"}) {
    if (outcome == accepted) {
      return true;
    }
  }
  return false;
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
      const std::string outcome = scene.fate_of_bytes(changed);
      CHECK(is_refusal(outcome));
    }
    offset += size;
  }
  for (std::uint64_t at = offset; at < honest.size(); at += 100) {
    std::string changed = honest;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK(scene.fate_of_bytes(changed) == "tampered");
  }
}

TEST_CASE("every bit of the files that no other file vouches for is covered", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string name = GENERATE("timestamp.json", "shipment.dsse.json", "1.root.json", "airlock.json");
  const std::size_t member = index_of(scene.members, name);
  const std::string honest = scene.members[member].content;
  for (std::size_t at = 0; at < honest.size(); ++at) {
    for (int bit = 0; bit < 8; bit += 1 + static_cast<int>(at % 3)) {
      auto members = scene.members;
      members[member].content[at] = static_cast<char>(honest[at] ^ (1 << bit));
      CAPTURE(name, at, bit);
      const std::string outcome = scene.fate_of_bytes(put_together(members));
      CHECK(is_refusal(outcome));
    }
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
    const std::string outcome = scene.fate_of_bytes(put_together(members));
    if (name == "airlock.json") {
      CHECK(outcome == "malformed");
    } else if (name == "metadata/timestamp.json" || name == "metadata/shipment.dsse.json") {
      CHECK(outcome == "approval-missing");
    } else if (name.starts_with("blobs/")) {
      CHECK(outcome == "missing");
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

TEST_CASE("a header that promises more than there is cannot reach beyond the file", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::uint64_t announced = GENERATE(1ull << 20, 1ull << 32, (1ull << 33) - 1);
  for (const std::string name : {"1.root.json", "room", "descriptor.json", "index.json"}) {
    auto members = scene.members;
    members[index_of(members, name)].announced = announced;
    CAPTURE(name, announced);
    const std::string outcome = scene.fate_of_bytes(put_together(members));
    CHECK((outcome == "truncated" || outcome == "tampered" || outcome == "limit"));
  }
  auto members = scene.members;
  members.back().announced = announced;
  CHECK(scene.fate_of_bytes(put_together(members)) == "missing");
}

TEST_CASE("a bundle that is cut at any block is incomplete, not broken in another way", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string honest = read_bytes(scene.made.head);
  for (std::size_t length = 0; length < honest.size(); length += 512) {
    CAPTURE(length);
    const std::string outcome = scene.fate_of_bytes(honest.substr(0, length));
    if (length + 1024 >= honest.size()) {
      CHECK(outcome == "ok");  // only the end is missing: nothing that anybody needs
    } else {
      CHECK((outcome == "truncated" || outcome == "missing"));
    }
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
