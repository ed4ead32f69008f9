// Documents that two readers of JSON would take for different things, each properly signed, at each place of a bundle.
#include "attack_kit.hpp"

#include "trust/dsse.hpp"

using namespace airlock;
using namespace airlock::test;
using base::Json;

namespace {

// `good` is an object; `member` one of its members. Each spelling is JSON to somebody, or looks like it.
std::vector<std::string> hostile_spellings(const std::string& good, const std::string& member) {
  const std::size_t open = good.find('{');
  const auto with = [&](const std::string& value) {
    std::string text = good;
    return text.insert(open + 1, "\"x\":" + value + ",");
  };
  std::string utf16;
  for (const char c : good) {
    utf16 += c;
    utf16 += '\0';
  }
  std::string trailing_comma = good;
  trailing_comma.insert(good.rfind('}'), ",");
  std::string duplicate = good;
  duplicate.insert(open + 1, "\"" + member + "\":null,");
  std::string escaped_duplicate = good;
  char unicode[8];
  std::snprintf(unicode, sizeof unicode, "\\u%04x", static_cast<unsigned>(member.front()));
  escaped_duplicate.insert(open + 1, "\"" + std::string(unicode) + member.substr(1) + "\":null,");
  return {"\xEF\xBB\xBF" + good,
          utf16,
          duplicate,
          escaped_duplicate,
          trailing_comma,
          "/* */" + good,
          good + "{}",
          good + "x",
          good + std::string(1, '\0'),
          "[" + good + "]",
          good.substr(0, good.size() / 2),
          "",
          "null",
          "0",
          with("NaN"),
          with("Infinity"),
          with("1.0"),
          with("1e3"),
          with("1e400"),
          with("0x10"),
          with("007"),
          with("+1"),
          with("9007199254740992"),
          with("-9007199254740992"),
          with("18446744073709551616"),
          with(std::string(400, '9')),
          with("\"\\ud800\""),
          with("\"\\udc00\\ud800\""),
          with("\"\\u0000\""),
          with("\"\xC0\xAF\""),
          with("\"\xE0\x80\xAF\""),
          with("\"\xED\xA0\x80\""),
          with("\"\xFF\""),
          with("\"\xF4\x90\x80\x80\""),
          with("\"\x01\""),
          with("\"\\x41\""),
          with("'a'"),
          with("undefined"),
          with("True"),
          with("{\"a\":1,\"a\":2}"),
          with(std::string(60, '[') + std::string(60, ']')),
          with(std::string(9'000, '[')),
          with("\"" + std::string(1, '\0') + "\""),
          with("{\"a\":{\"b\":NaN}}")};
}

}  // namespace

TEST_CASE("a role in a hostile spelling is refused, whatever vouches for it", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string role = GENERATE("timestamp", "snapshot", "targets", "oci");
  const DishonestProducer honest(keys, scene.made.contents);
  const std::string good = honest.role_bytes(role);
  const std::size_t part = good.find("\"signed\": {");
  REQUIRE(part != std::string::npos);
  for (const std::string& spelling : hostile_spellings(good.substr(part + 10), "version")) {
    // Twice: in the part that is signed, and around it.
    for (const std::string& bytes : {good.substr(0, part + 10) + spelling, spelling}) {
      DishonestProducer producer(keys, scene.made.contents);
      producer.set_role_bytes(role, bytes);
      CAPTURE(role, bytes.substr(0, 100), bytes.size());
      CHECK(scene.fate_with(producer.head) == "tampered");
    }
  }
}

TEST_CASE("a root in a hostile spelling is refused", "[attacks]") {
  ProducerKeys keys;
  keys.rotate("timestamp");
  Scene scene(keys);
  const std::string good = keys.newest_root();
  const std::size_t part = good.find("\"signed\": {");
  for (const std::string& spelling : hostile_spellings(good.substr(part + 10), "version")) {
    bundle::HeadContents head = scene.made.contents;
    head.metadata["2.root.json"] = good.substr(0, part + 10) + spelling;
    CAPTURE(spelling.substr(0, 100));
    CHECK(scene.fate_with(head) == "tampered");
  }
}

TEST_CASE("a signed document in a hostile spelling is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto [target, member] = GENERATE(table<std::string, std::string>(
      {{"descriptor.json", "serial"}, {"attachments.json", "attachments"}, {"oci/catalog/00.jsonl", "path"}}));
  for (const std::string& spelling : hostile_spellings(scene.made.contents.targets.at(target), member)) {
    DishonestProducer producer(keys, scene.made.contents);
    producer.set_target(target, spelling);
    CAPTURE(target, spelling.substr(0, 100));
    CHECK(scene.fate_with(producer.head) == "tampered");
  }
}

TEST_CASE("a shipment in a hostile spelling is refused, payload and envelope", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const trust::Signer& signer = keys.signer("timestamp");
  const std::string envelope = scene.made.contents.shipment;
  const std::string payload = trust::parse_envelope(envelope, "shipment", 1 << 20).payload;
  bundle::HeadContents head = scene.made.contents;
  head.shipment = trust::sign_envelope(bundle::k_shipment_type, payload, {&signer});
  REQUIRE(scene.fate_with(head) == "ok");
  for (const std::string& spelling : hostile_spellings(payload, "serial")) {
    head.shipment = trust::sign_envelope(bundle::k_shipment_type, spelling, {&signer});
    CAPTURE(spelling.substr(0, 100));
    CHECK(scene.fate_with(head) == "tampered");
  }
  for (const std::string& spelling : hostile_spellings(envelope, "payload")) {
    if (spelling.empty()) {
      continue;  // a bundle without a shipment is a draft
    }
    head.shipment = spelling;
    CAPTURE(spelling.substr(0, 100));
    CHECK(scene.fate_with(head) == "tampered");
  }
}
