// Sizes that lie, that overflow 32 bits, or that would exhaust whoever believes them.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "attack_kit.hpp"
#include "base/tar.hpp"
#include "bundle/head_members.hpp"

using namespace airlock;
using namespace airlock::test;
using base::Json;

namespace {

const std::string k_file_catalog = "file/catalog/00.jsonl";

// The sample's bundle in which the one row of "file" is of a blob of `length` bytes with this digest.
DishonestProducer producer_of_blob(const ProducerKeys& keys, const Scene& scene, std::uint64_t length,
                                   const base::Digest& sha256) {
  DishonestProducer producer(keys, scene.made.contents);
  const std::string old = base::sha256("read me\n").hex();
  const auto replaced = [&](std::string text, const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  std::string catalog = replaced(producer.head.targets.at(k_file_catalog), old, sha256.hex());
  catalog = replaced(catalog, "\"length\":8,", "\"length\":" + std::to_string(length) + ",");
  std::string sums = producer.head.targets.at("SHA256SUMS");
  sums = replaced(replaced(sums, old, sha256.hex()), old, sha256.hex());
  bundle::Descriptor descriptor = bundle::parse_descriptor(producer.head.targets.at("descriptor.json"), "d");
  descriptor.bytes += length - 8;
  bundle::Shipment shipment = producer.shipment();
  shipment.bytes += length - 8;
  producer.set_target(k_file_catalog, catalog);
  producer.set_target("SHA256SUMS", sums);
  producer.set_target("descriptor.json", bundle::to_text(descriptor));
  const std::string bundle_id = producer.shipment().bundle_id;
  shipment.bundle_id = bundle_id;
  producer.set_shipment(shipment, {&keys.signer("timestamp")});
  return producer;
}

// The bundle with that head, its other blobs, and behind them one of `length` zeros that takes no room on disk.
std::filesystem::path write_with_zeros(const std::filesystem::path& path, const Scene& scene,
                                       const bundle::HeadContents& head, std::uint64_t length,
                                       const base::Digest& sha256) {
  const std::uint64_t room = bundle::Head::read(scene.made.head).size();
  auto bytes = bundle::build_head(head, room, bundle::HeadEnd::blobs_follow);
  REQUIRE(bytes);
  const auto mtime = static_cast<std::uint64_t>(bundle_time().time_since_epoch().count());
  const std::string replaced = bundle::blob_member_name(base::sha256("read me\n"));
  for (const RawMember& member : scene.members) {
    if (member.name.starts_with("blobs/") && member.name != replaced) {
      *bytes += base::tar_header(member.name, member.content.size(), mtime) + member.content +
                std::string(base::tar_padding(member.content.size()), '\0');
    }
  }
  *bytes += base::tar_header(bundle::blob_member_name(sha256), length, mtime);
  write_bytes(path, *bytes);
  std::filesystem::resize_file(path, bytes->size() + length + base::tar_padding(length) + base::k_tar_end_size);
  return path;
}

}  // namespace

TEST_CASE("a blob of more than 2 or 4 GiB is hashed to its end", "[attacks]") {
  // Of that many zeros, by sha256sum.
  const auto [length, hex] = GENERATE(table<std::uint64_t, std::string>(
      {{(1ULL << 31) + 5, "68bdfcb656af3067b8110b5cc839b4e12b180ef11e86011b8df4a709fe2c2f67"},
       {(1ULL << 32) + 5, "709fc0b74f7c916cedccb212d681c035f36ffbb31ebfe806eb40c31592744eb5"}}));
  const ProducerKeys keys;
  const Scene scene(keys);
  const base::TempDir folder;
  const auto sha256 = base::Digest::parse_sha256_hex(hex);
  const DishonestProducer producer = producer_of_blob(keys, scene, length, sha256);
  const auto path = write_with_zeros(folder.path() / "large.airlock", scene, producer.head, length, sha256);
  // What an import hashes it writes as well, so that only the smaller one goes all the way.
  const bool small = length < 1ULL << 32;
  CHECK((small ? fate(path, verify_options(keys)) : fate_of_verify(path, verify_options(keys))) == "ok");
  // Its last byte.
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) - base::k_tar_end_size -
                                         base::tar_padding(length) - 1));
  file.put('x');
  file.close();
  CHECK(fate_of_verify(path, verify_options(keys)) == "tampered");
}

TEST_CASE("a length that is right in its lower 32 bits only is wrong", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto sha256 = base::sha256("read me\n");
  CHECK(scene.fate_with(producer_of_blob(keys, scene, 8, sha256).head) == "ok");
  for (const std::uint64_t more : {1ULL << 31, 1ULL << 32}) {
    CAPTURE(more);
    CHECK(scene.fate_with(producer_of_blob(keys, scene, 8 + more, sha256).head) == "tampered");
  }
  // An import asks first whether there is room for that much.
  const auto path = scene.write_with(producer_of_blob(keys, scene, 8 + (1ULL << 40), sha256).head);
  CHECK(fate_of_verify(path, verify_options(keys)) == "tampered");
}

TEST_CASE("a blob beyond the largest is refused before it is looked for", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto sha256 = base::sha256("read me\n");
  for (const std::uint64_t length :
       {std::uint64_t{bundle::k_blob_limit} + 1, std::uint64_t{bundle::k_blob_limit} * 2}) {
    const Fate outcome = scene.fate_with(producer_of_blob(keys, scene, length, sha256).head);
    INFO("it says: " << outcome.message);
    CHECK(outcome == "tampered");
    CHECK(outcome.says("is larger than a blob may be"));
  }
}

TEST_CASE("lengths in metadata that no file has are refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto with_length = [&](const std::string& role, const std::function<Json&(Json&)>& place, const Json& length) {
    DishonestProducer producer(keys, scene.made.contents);
    producer.edit_role(role, [&](Json& part) { place(part)["length"] = length; });
    producer.renew_shipment();
    return scene.fate_with(producer.head);
  };
  const auto of_snapshot = [](Json& part) -> Json& { return part["meta"]["snapshot.json"]; };
  const auto of_role = [](Json& part) -> Json& { return part["meta"]["oci.json"]; };
  const auto of_target = [](Json& part) -> Json& { return part["targets"]["oci/catalog/00.jsonl"]; };
  for (const Json& length :
       {Json(0), Json(1), Json(-1), Json(nullptr), Json("8"), Json(1ULL << 32), Json((1ULL << 53) - 1)}) {
    CAPTURE(length.dump());
    CHECK(with_length("timestamp", of_snapshot, length) == "tampered");
    CHECK(with_length("snapshot", of_role, length) == "tampered");
    CHECK(with_length("oci", of_target, length) == "tampered");
  }
}

TEST_CASE("a head that is larger than any is refused before it is read", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  // The honest bundle with another room, a hole in the file, and everything behind it as it was.
  const std::string honest = read_bytes(scene.made.head);
  const std::size_t room = index_of(scene.members, "metadata/room");
  std::string front;
  for (std::size_t i = 0; i < room; ++i) {
    front += raw_header(scene.members[i]) + scene.members[i].content;
    front.append(base::tar_padding(scene.members[i].content.size()), '\0');
  }
  const std::string rest = honest.substr(front.size() + base::tar_member_size(scene.members[room].content.size()));
  const base::TempDir folder;
  const auto with_room = [&](std::uint64_t length) {
    const auto path = folder.path() / "huge.airlock";
    write_bytes(path, front + raw_header({.name = "metadata/room", .content = "", .announced = length}));
    std::filesystem::resize_file(path, front.size() + base::tar_member_size(length));
    std::ofstream(path, std::ios::binary | std::ios::app) << rest;
    return fate(path, verify_options(keys));
  };
  CHECK(with_room(1 << 20) == "ok");
  const Fate outcome = with_room(bundle::k_head_limit);
  CHECK(outcome == "tampered");
  CHECK(outcome.says("is larger than"));
}

TEST_CASE("a head of more members than any is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::size_t first = index_of(scene.members, "metadata/");
  std::vector<RawMember> members(scene.members.begin(), scene.members.begin() + static_cast<std::ptrdiff_t>(first));
  std::string bytes;
  for (const RawMember& member : members) {
    bytes += raw_header(member) + member.content;
    bytes.append(base::tar_padding(member.content.size()), '\0');
  }
  for (std::uint64_t i = 0; i <= bundle::k_head_member_limit; ++i) {
    bytes += raw_header({.name = "metadata/" + std::to_string(1'000'000 + i) + ".oci.json"});
  }
  const Fate outcome = scene.fate_of_bytes(bytes + std::string(base::k_tar_end_size, '\0'));
  CHECK(outcome == "tampered");
  CHECK(outcome.says("has more than 100000 members"));
}
