// What a receipt says of a store, and how one is read that comes from anywhere.
#include "far_fixture.hpp"

#include "workflow/floors.hpp"
#include "workflow/receipt.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

TEST_CASE("a receipt is read as it was written, and a changed one is refused") {
  ThreeStates states;
  auto& site = states.site;
  const auto path = site.folder.path() / "receipt.json";
  const auto made = workflow::make_receipt(site.state(), site.clock.now());
  workflow::write_receipt_file(made, path);
  const auto read = workflow::read_receipt(path);
  CHECK(read.time == made.time);
  CHECK(read.blobs == made.blobs);
  CHECK(read.blobs_digest == made.blobs_digest);
  CHECK(read.audit_head == made.audit_head);
  REQUIRE(read.channels.size() == 1);
  CHECK(read.channels.front().snapshot_sha256 == made.channels.front().snapshot_sha256);
  CHECK_FALSE(read.is_need());
  CHECK(workflow::looks_like_receipt(path));
  CHECK_FALSE(workflow::looks_like_receipt(states.made[0].head));

  auto text = text_of(path);
  const auto digest = made.blobs.front().hex();
  auto shorter = text;
  shorter.erase(shorter.find("\"" + digest), digest.size() + 4);
  CHECK(code_of([&] { return workflow::parse_receipt(shorter, "r"); }) == ErrorCode::tampered);
  // What the connected side would sign or keep as it is.
  const auto changed = [&](std::string_view from, std::string_view to) {
    auto other = text;
    other.replace(other.find(from), from.size(), to);
    return code_of([&] { return workflow::parse_receipt(other, "r"); });
  };
  CHECK(changed(made.channels.front().bundle_id, "zzz") == ErrorCode::malformed);
  CHECK(changed(made.channels.front().producer, "zzz") == ErrorCode::malformed);
  CHECK(changed("\"channel\": \"site-a\"", "\"channel\": \"../site-a\"") == ErrorCode::malformed);
  CHECK(changed("\"channel\": \"site-a\"", "\"channel\": \"\"") == ErrorCode::malformed);
  CHECK(changed("\"serial\": 3", "\"serial\": 9007199254740992") == ErrorCode::malformed);
  CHECK(changed("\"generation\": 3", "\"generation\": 18446744073709551615") == ErrorCode::malformed);
  CHECK(code_of([&] { return workflow::parse_receipt("{}", "r"); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return workflow::parse_receipt("[1", "r"); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return workflow::parse_receipt(R"({"blobs":["zz"]})", "r"); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return workflow::parse_receipt(std::string(100'000, '['), "r"); }) == ErrorCode::malformed);
}

TEST_CASE("of a receipt only what it lists is kept, and a bounded rest") {
  ThreeStates states;
  auto& site = states.site;
  auto made = workflow::make_receipt(site.state(), site.clock.now());
  made.need_channel = "site-a";
  made.need_bundle_id = std::string(64, 'a');
  made.missing = {{base::sha256("x"), 1}, {base::sha256("y"), 2}};
  const auto path = site.folder.path() / "receipt.json";
  workflow::write_receipt_file(made, path);
  const auto text = text_of(path);
  const auto with = [&text](const std::string& members) { return "{" + members + "," + text.substr(text.find('"')); };
  std::string many = "[[]";
  for (int i = 0; i < 1'100'000; ++i) {
    many += ",[]";
  }
  many += "]";

  // What a newer airlock may have added is passed over, however much it is.
  const auto read =
      workflow::parse_receipt(with(R"("added": {"a": )" + many + R"(}, "also": 1, "blobs_of": [1])"), "r");
  CHECK(read.blobs == made.blobs);
  CHECK(read.missing.size() == 2);
  CHECK(read.channels.size() == 1);
  CHECK(read.need_bundle_id == made.need_bundle_id);
  // What is known is there to be kept, and is not that long.
  CHECK(code_of([&] { return workflow::parse_receipt(with(R"("tool": )" + many), "r"); }) == ErrorCode::limit);
  CHECK(code_of([&] { return workflow::parse_receipt(with(R"("missing": [{"x": )" + many + "}]"), "r"); }) ==
        ErrorCode::limit);
  for (const std::string members : {R"("blobs": [[]])", R"("blobs": {"a": 1})", R"("withheld": "x")",
                                    R"("missing": [[]])", R"("missing": {"a": {}})", R"("missing": ["x"])"}) {
    CAPTURE(members);
    CHECK(code_of([&] { return workflow::parse_receipt(with(members), "r"); }) == ErrorCode::malformed);
  }
}

TEST_CASE("a receipt says what holds a channel up beyond its newest generation", "[backup]") {
  States states(2);
  auto& site = states.site;
  states.take(0);
  states.take(1);
  const auto key = site.generations().front().channel;
  CHECK(workflow::make_receipt(site.state(), site.clock.now()).floors.empty());
  site.change([&key](store::StateDb& state) { state.raise_floor(key, {.serial = 4}); });
  const auto path = site.receipt();
  const auto receipt = workflow::read_receipt(path);
  REQUIRE(receipt.channels.size() == 1);
  CHECK(receipt.channels.front().serial == 2);
  REQUIRE(receipt.floors.size() == 1);
  CHECK(receipt.floors.front().serial == 4);
  CHECK(receipt.floors.front().bundle_id.empty());
  CHECK(receipt.floors.front().root_version == 1);
  CHECK_FALSE(receipt.floors.front().out_of_service);
  const auto wishes = workflow::floors_of(receipt);
  REQUIRE(wishes.size() == 2);
  CHECK(wishes[0].floor.serial == 2);
  CHECK(wishes[0].created);
  CHECK(wishes[1].floor.serial == 4);
  CHECK_FALSE(wishes[1].created);
  CHECK(wishes[1].from_receipt);

  const auto text = text_of(path);
  const auto changed = [&text](std::string_view from, std::string_view to) {
    auto other = text;
    other.replace(other.find(from, other.find("\"floors\"")), from.size(), to);
    return code_of([&] { return workflow::parse_receipt(other, "r"); });
  };
  CHECK(changed("\"floors\": [", "\"floors\": 7, \"other\": [") == ErrorCode::malformed);
  CHECK(changed(key.producer, "zzz") == ErrorCode::malformed);
  CHECK(changed("\"serial\": 4", "\"serial\": 9007199254740992") == ErrorCode::malformed);
  CHECK(changed("\"serial\": 4", "\"bundle_id\": \"\", \"serial\": 4") == ErrorCode::malformed);
}
