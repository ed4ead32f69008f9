#include "trust/canonical.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "support/catch.hpp"
#include "support/tuf_repository.hpp"

using namespace airlock;
using base::Json;
using test::outcome;

TEST_CASE("writes what securesystemslib writes", "[trust][canonical]") {
  const Json file = Json::parse(base::read_file(AIRLOCK_TEST_DATA "/trust/canonical_vectors.json", 1 << 20));
  REQUIRE(file.at("vectors").size() > 20);
  for (const auto& vector : file.at("vectors")) {
    const std::string text = vector.at("json");
    INFO(text);
    // Python's order of code points and ours of UTF-8 bytes are one; JavaScript's is another.
    CHECK(trust::canonical_json(Json::parse(text)) == base::from_hex(vector.at("canonical_hex").get<std::string>()));
  }
}

TEST_CASE("keeps line ends raw, which no general JSON writer does", "[trust][canonical]") {
  CHECK(trust::canonical_json(Json{{"b", "x\ny"}, {"a", 1}}) == "{\"a\":1,\"b\":\"x\ny\"}");
}

TEST_CASE("refuses what has no canonical form", "[trust][canonical]") {
  const auto refused = [](const Json& value) { return outcome([&] { trust::canonical_json(value); }); };
  CHECK(refused(1.5) == "malformed");
  CHECK(refused(1.0) == "malformed");
  CHECK(refused(9007199254740992) == "malformed");
  CHECK(refused(-9007199254740992) == "malformed");
  CHECK(refused(18446744073709551615U) == "malformed");
  CHECK(refused("\xff") == "malformed");
  CHECK(refused(Json{{"\xff", 1}}) == "malformed");
  CHECK(refused(Json::binary({1, 2})) == "malformed");
  Json deep = 1;
  for (int i = 0; i < 1000; ++i) {
    deep = Json::array({deep});
  }
  CHECK(refused(deep) == "malformed");
}

TEST_CASE("hashes the canonical form", "[trust][canonical]") {
  CHECK(trust::canonical_sha256(Json{{"a", 1}}) == base::sha256("{\"a\":1}"));
}
