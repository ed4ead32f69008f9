// A producer that is trusted no more, and one that takes its place.
#include "far_fixture.hpp"

#include "workflow/floors.hpp"
#include "workflow/generations.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/status.hpp"
#include "workflow/trust_removal.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

const workflow::Remark k_stolen{"root keys stolen", "CHG-12"};

}  // namespace

TEST_CASE("of a producer that is trusted no more nothing is served and nothing taken in") {
  States states(2);
  states.take(0);
  const std::string producer = states.site.generations().front().channel.producer;
  const auto remove = [&](const std::string& name, const workflow::Remark& remark) {
    return workflow::remove_trust(states.site.home, name, states.site.clock, remark);
  };
  const auto before = states.site.fingerprint();
  CHECK(code_of([&] { remove(producer, {}); }) == ErrorCode::usage);
  const auto too_short = error_of([&] { remove(producer.substr(0, 4), k_stolen); });
  CHECK(too_short.code() == ErrorCode::usage);
  CHECK(too_short.message() ==
        "'" + producer.substr(0, 4) + "' is too short: 8 digits or more of the fingerprint say which root is meant");
  CHECK(code_of([&] { remove(std::string(64, '0'), k_stolen); }) == ErrorCode::not_found);
  CHECK(states.site.fingerprint() == before);

  const auto removed = remove(producer.substr(0, 8), k_stolen);
  CHECK(removed.producer == producer);
  CHECK(removed.channels == std::vector<std::string>{"site-a"});
  CHECK(workflow::read_pinned_roots(states.site.home).empty());
  CHECK_FALSE(states.site.served("file", "a.txt"));
  CHECK(code_of([&] { states.take(1); }) == ErrorCode::untrusted);
  // Nor does it come back by another door.
  const auto refused = error_of([&] { workflow::activate_generation(states.site.home, 1, states.site.clock); });
  CHECK(refused.code() == ErrorCode::untrusted);
  CHECK(refused.message() == "generation 1 (bundle 1 of channel 'site-a') is of a producer whose root is not pinned "
                             "here, " +
                                 producer.substr(0, 12) + ", so nothing of it is served");
  CHECK(refused.hint().find("airlock trust init root.json") != std::string::npos);
  CHECK(code_of([&] { workflow::roll_back(states.site.home, 1, states.site.clock); }) == ErrorCode::untrusted);
  CHECK_FALSE(states.site.served("file", "a.txt"));
  const auto note = states.site.status().findings.front();
  CHECK(note.severity == base::Severity::note);
  CHECK(note.message.find("its producer's root is not pinned here") != std::string::npos);
  CHECK(note.message.find("airlock store activate") == std::string::npos);
  CHECK(code_of([&] { remove(producer, k_stolen); }) == ErrorCode::not_found);

  // Another producer, with the same channel and path.
  const ProducerKeys heirs;
  Medium medium;
  const auto bundle = make_bundle(medium.path(), {text_file("a.txt", "of the heirs")}, heirs);
  workflow::pin_root(states.site.home, heirs.first_root(), {});
  const auto old_receipt = states.site.home.root / "receipts" / "site-a-1.json";
  const auto old_bytes = base::read_file(old_receipt, 1 << 20);
  const auto taken = states.site.import({bundle.head});
  CHECK(states.site.served("file", "a.txt") == "of the heirs");

  // Both have a site-a here, and are told apart: receipt, paper, status.
  const std::string heir = workflow::read_pinned_roots(states.site.home).front().producer();
  CHECK(taken.receipt.filename() == "site-a-1-" + heir.substr(0, 12) + ".json");
  CHECK(base::read_file(old_receipt, 1 << 20) == old_bytes);
  REQUIRE(taken.floors.size() == 2);
  for (const auto& line : taken.floors) {
    const auto wish = workflow::parse_floor(line);
    const bool old = line.ends_with(",producer=" + producer.substr(0, 12));
    CHECK((old || line.ends_with(",producer=" + heir.substr(0, 12))));
    store::StateDb state(states.site.home.root, store::StateDb::Access::change);
    const auto change = state.change();
    const auto raised = workflow::raise_floors(state, states.site.home, {wish}, states.site.clock.now());
    CHECK(raised.front().key.producer == (old ? producer : heir));
  }
  const auto status = states.site.status();
  for (const auto& channel : status.channels) {
    CHECK(channel.mark == " (producer " + channel.key.producer.substr(0, 12) + ")");
    CHECK(channel.pinned == (channel.key.producer == heir));
  }

  // The old one's serials are still known, should it be pinned again.
  CHECK(states.site.state().last_serial({.producer = producer, .channel = "site-a"}) == 1);
}
