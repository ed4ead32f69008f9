// A producer that is trusted no more, and one that takes its place.
#include "far_fixture.hpp"

#include "workflow/pinned_roots.hpp"
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
  CHECK(code_of([&] { remove(producer.substr(0, 7), k_stolen); }) == ErrorCode::not_found);
  CHECK(code_of([&] { remove(std::string(64, '0'), k_stolen); }) == ErrorCode::not_found);
  CHECK(states.site.fingerprint() == before);

  const auto removed = remove(producer.substr(0, 8), k_stolen);
  CHECK(removed.producer == producer);
  CHECK(removed.channels == std::vector<std::string>{"site-a"});
  CHECK(workflow::read_pinned_roots(states.site.home).empty());
  CHECK_FALSE(states.site.served("file", "a.txt"));
  CHECK(code_of([&] { states.take(1); }) == ErrorCode::untrusted);
  CHECK(code_of([&] { remove(producer, k_stolen); }) == ErrorCode::not_found);

  // Another producer, with the same channel and path.
  const ProducerKeys heirs;
  Medium medium;
  const auto bundle = make_bundle(medium.path(), {text_file("a.txt", "of the heirs")}, heirs);
  workflow::pin_root(states.site.home, heirs.first_root(), {});
  states.site.import({bundle.head});
  CHECK(states.site.served("file", "a.txt") == "of the heirs");

  // The old one's serials are still known, should it be pinned again.
  CHECK(states.site.state().last_serial({.producer = producer, .channel = "site-a"}) == 1);
}
