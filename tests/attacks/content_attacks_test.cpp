// What a dishonest producer, or a stolen build key with two careless approvers, might put into a properly signed state.
#include "attack_kit.hpp"

using namespace airlock;
using namespace airlock::test;
using base::Json;

namespace {

const std::string k_oci = "oci/catalog/00.jsonl";
const std::string k_file = "file/catalog/00.jsonl";

Fate with_target(Scene& scene, const ProducerKeys& keys, const std::string& path, const std::string& text) {
  DishonestProducer producer(keys, scene.made.contents);
  producer.set_target(path, text);
  return scene.fate_with(producer.head);
}

// As the honest row of docs/guide.txt but for the path and what follows from it, so that a refusal is of the path.
std::string row(const std::string& path) {
  return "{\"path\":\"" + path + "\",\"length\":8,\"sha256\":\"" + base::sha256("read me\n").hex() +
         "\",\"artifact\":\"" + artifact_of(path) + "\",\"kind\":\"file\",\"verified\":\"none\"}\n";
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> list;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start) + 1;
    list.push_back(text.substr(start, end - start));
    start = end;
  }
  return list;
}

}  // namespace

TEST_CASE("signing everything again changes nothing by itself", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  CHECK(with_target(scene, keys, k_oci, scene.made.contents.targets.at(k_oci)) == "ok");
}

TEST_CASE("a catalog in disorder is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto rows = lines(scene.made.contents.targets.at(k_oci));
  REQUIRE(rows.size() == 3);
  const auto refused = [&](const std::string& text, std::string_view why) {
    const Fate outcome = with_target(scene, keys, k_oci, text);
    CAPTURE(why);
    CHECK(outcome == "tampered");
    CHECK(outcome.says(why));
  };
  refused(rows[1] + rows[0] + rows[2], "is out of order");
  refused(rows[0] + rows[0] + rows[1] + rows[2], "stands there twice");
  refused(rows[0] + rows[1], "the descriptor's numbers do not fit");
  refused(rows[0] + "\n" + rows[1] + rows[2], "oci/catalog/00.jsonl:2");
  refused(rows[0] + rows[1] + rows[2] + "\n", "oci/catalog/00.jsonl:4");
  refused("", "is empty or ends inside a row");
}

TEST_CASE("hostile names in a catalog are refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  REQUIRE(with_target(scene, keys, k_file, row("docs/guide.txt")) == "ok");
  for (const std::string name :
       {"../../etc/cron.d/x", "/etc/passwd", "a/./b", "a//b", "a/", "..", "\\\\server\\\\share", "a\\u0000.txt",
        "a\\u001b[2J", "a\\u202etxt.exe", "a\\u200b", "\\ud800", " a", "a ", ""}) {
    CAPTURE(name);
    CHECK(with_target(scene, keys, k_file, row(name)) == "tampered");
  }
  CHECK(with_target(scene, keys, k_file, row(std::string(1025, 'a'))) == "tampered");
  CHECK(with_target(scene, keys, k_file, row("docs/GUIDE.txt") + row("docs/guide.txt")) == "tampered");
}

TEST_CASE("rows that are not rows are refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string good = row("docs/guide.txt");
  REQUIRE(with_target(scene, keys, k_file, good) == "ok");
  const std::string body = good.substr(0, good.size() - 2);
  for (const std::string& text :
       {body + ",\"extra\":\"1\"}\n", body + ",\"length\":8}\n",
        body + ",\"sha256\":\"" + std::string(64, '0') + "\"}\n", std::string("[]\n"), std::string("null\n"),
        std::string("{}\n"), body + "}}\n", body + ",\"pin\":\"sha256:00\"}\n",
        row("a").replace(row("a").find(":8,"), 3, ":-1,"), row("a").replace(row("a").find(":8,"), 3, ":8.0,"),
        row("a").replace(row("a").find(":8,"), 3, ":9007199254740993,"),
        row("a").replace(row("a").find("file\""), 5, "withheld\"")}) {
    CAPTURE(text);
    CHECK(with_target(scene, keys, k_file, text) == "tampered");
  }
  CHECK(with_target(scene, keys, k_file, "{\"path\":\"" + std::string(70'000, 'a') + "\"}\n") == "tampered");
}

TEST_CASE("a catalog beyond its limit is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  // Right in every other number.
  const auto with_rows = [&](std::uint64_t count) {
    std::string text;
    for (std::uint64_t i = 0; i < count; ++i) {
      text += row("p" + std::to_string(1'000'000 + i));
    }
    DishonestProducer producer(keys, scene.made.contents);
    bundle::Descriptor descriptor = bundle::parse_descriptor(producer.head.targets.at("descriptor.json"), "d");
    descriptor.rows["file"] = count;
    descriptor.artifacts += count - 1;
    producer.set_target(k_file, text);
    producer.set_target("descriptor.json", bundle::to_text(descriptor));
    return scene.fate_with(producer.head);
  };
  CHECK(with_rows(bundle::k_rows_per_catalog) == "ok");
  const Fate outcome = with_rows(bundle::k_rows_per_catalog + 1);
  CHECK(outcome == "tampered");
  CHECK(outcome.says("has more than 50000 rows"));
}

TEST_CASE("a descriptor that does not fit its catalogs is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string honest = scene.made.contents.targets.at("descriptor.json");
  bundle::Descriptor descriptor = bundle::parse_descriptor(honest, "d");
  CHECK(with_target(scene, keys, "descriptor.json", honest) == "ok");
  const auto with = [&](const std::function<void(bundle::Descriptor&)>& change) {
    bundle::Descriptor changed = descriptor;
    change(changed);
    return with_target(scene, keys, "descriptor.json", bundle::to_text(changed));
  };
  CHECK(with([](auto& d) { ++d.blobs; }) == "tampered");
  CHECK(with([](auto& d) { --d.bytes; }) == "tampered");
  CHECK(with([](auto& d) { ++d.artifacts; }) == "tampered");
  CHECK(with([](auto& d) { ++d.rows["oci"]; }) == "tampered");
  CHECK(with([](auto& d) { d.rows["cargo"] = 0; }) == "tampered");
  CHECK(with([](auto& d) { d.rows.erase("npm"); }) == "tampered");
  CHECK(with([](auto& d) { d.serial = 2; }) == "tampered");
  CHECK(with([](auto& d) { d.channel = "site-b"; }) == "foreign");
  CHECK(with([](auto& d) { d.created += std::chrono::seconds(1); }) == "tampered");  // the hint tells another time
  CHECK(with_target(scene, keys, "descriptor.json", "{}") == "tampered");
  CHECK(with_target(scene, keys, "descriptor.json", honest + " ") == "tampered");
}

TEST_CASE("sums, index and attachments follow from the catalogs", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string sums = scene.made.contents.targets.at("SHA256SUMS");
  const auto list = lines(sums);
  std::string reversed;
  for (const std::string& line : list) {
    reversed = line + reversed;
  }
  CHECK(with_target(scene, keys, "SHA256SUMS", reversed) == "tampered");
  CHECK(with_target(scene, keys, "SHA256SUMS", sums + list[0]) == "tampered");
  CHECK(with_target(scene, keys, "SHA256SUMS", sums.substr(list[0].size())) == "tampered");
  CHECK(with_target(scene, keys, "SHA256SUMS", "") == "tampered");
  CHECK(with_target(scene, keys, "attachments.json", bundle::to_text(std::vector<bundle::Attachment>{})) == "tampered");
  CHECK(with_target(scene, keys, "attachments.json", "[]") == "tampered");
  CHECK(with_target(scene, keys, "revoked.jsonl", "") == "tampered");
  CHECK(with_target(scene, keys, "revoked.jsonl", "{\"digest\":\"md5:1\"}\n") == "tampered");
  CHECK(with_target(scene, keys, "evil.json", "{}") == "tampered");
  for (const std::string index : {"", "{}", "{\"schemaVersion\":2,\"manifests\":[]}"}) {
    bundle::HeadContents head = scene.made.contents;
    head.oci_index = index;
    CHECK(scene.fate_with(head) == "tampered");
  }
}

TEST_CASE("a target that every state has cannot be left out", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  for (const std::string path : {"descriptor.json", "SHA256SUMS", "attachments.json", "oci/catalog/00.jsonl"}) {
    DishonestProducer producer(keys, scene.made.contents);
    producer.remove_target(path);
    CAPTURE(path);
    CHECK(scene.fate_with(producer.head) == "tampered");
  }
}

TEST_CASE("a target without a usable hash is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  for (const Json& hashes : {Json({{"md5", "00"}}), Json({{"sha256", "00"}}), Json({{"sha256", ""}}),
                             Json({{"sha256", base::sha256("x").hex()}})}) {
    DishonestProducer producer(keys, scene.made.contents);
    producer.edit_role("oci", [&](Json& part) { part["targets"][k_oci]["hashes"] = hashes; });
    producer.renew_shipment();
    CAPTURE(hashes.dump());
    CHECK(scene.fate_with(producer.head) == "tampered");
  }
}
