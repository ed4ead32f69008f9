#include "bundle/state_store.hpp"

#include "support/bundle_maker.hpp"
#include "support/errors.hpp"

using namespace airlock;
using namespace airlock::bundle;
using namespace airlock::test;
using airlock::base::ErrorCode;

namespace {

store::ChannelKey key_of(const ProducerKeys& keys, const std::string& channel) {
  const auto root = trust::parse_signed(keys.first_root(), "root", trust::k_root_limit);
  return {.producer = trust::identity(root).hex(), .channel = channel};
}

void accept(store::StateDb& database, const store::ChannelKey& channel, const VerifiedBundle& bundle) {
  auto change = database.change();
  save_trusted(database, channel, bundle.trusted());
  change.commit();
}

}  // namespace

TEST_CASE("what was accepted is the floor for what comes next", "[bundle][state_store]") {
  const base::TempDir home, folder;
  const ProducerKeys keys;
  store::StateDb database(home.path(), store::StateDb::Access::change);
  const auto channel = key_of(keys, "site-a");
  ChannelStateStore state(database, channel);
  const auto first = make_bundle(folder.path(), sample_files(), keys);
  auto files = sample_files();
  files.push_back(text_file("new.txt", "new"));
  const auto second =
      make_bundle(folder.path(), files, keys, {.serial = 2, .created = bundle_time(1), .previous = first.contents});

  CHECK(state.load("timestamp") == std::nullopt);
  const auto verified = verify_head(Head::read(second.head), state, verify_options(keys, bundle_time(2)));
  CHECK(state.load("timestamp") == std::nullopt);  // nothing is written before the import commits
  accept(database, channel, verified);
  CHECK(state.load("timestamp") == second.contents.metadata.at("timestamp.json"));
  CHECK(state.load("oci").has_value());

  CHECK(verify_head(Head::read(second.head), state, verify_options(keys, bundle_time(2))).trusted().same_timestamp);
  CHECK(code_of([&] { return verify_head(Head::read(first.head), state, verify_options(keys, bundle_time(2))); }) ==
        ErrorCode::rollback);
}

TEST_CASE("two bundles under one version raise the alarm", "[bundle][state_store]") {
  const base::TempDir home, folder, other;
  const ProducerKeys keys;
  store::StateDb database(home.path(), store::StateDb::Access::change);
  const auto channel = key_of(keys, "site-a");
  ChannelStateStore state(database, channel);
  const auto first = make_bundle(folder.path(), sample_files(), keys);
  const auto twin = make_bundle(other.path(), {text_file("evil.txt", "x")}, keys);
  accept(database, channel, verify_head(Head::read(first.head), state, verify_options(keys)));
  CHECK(code_of([&] { return verify_head(Head::read(twin.head), state, verify_options(keys)); }) ==
        ErrorCode::equivocation);
}

TEST_CASE("new roots are kept even when the rest is bad", "[bundle][state_store]") {
  const base::TempDir home, folder;
  ProducerKeys keys;
  store::StateDb database(home.path(), store::StateDb::Access::change);
  const auto channel = key_of(keys, "site-a");
  ChannelStateStore state(database, channel);
  keys.rotate("timestamp");
  const auto made = make_bundle(folder.path(), sample_files(), keys,
                                {.change_head = [](HeadContents& head) { head.metadata["1.targets.json"] += " "; }});
  CHECK(code_of([&] { return verify_head(Head::read(made.head), state, verify_options(keys)); }) ==
        ErrorCode::tampered);
  CHECK(state.load_roots() == std::vector<std::string>{keys.newest_root()});
  CHECK(state.load("root") == keys.newest_root());
}

TEST_CASE("trust state is not written behind the import's back", "[bundle][state_store]") {
  const base::TempDir home;
  store::StateDb database(home.path(), store::StateDb::Access::change);
  ChannelStateStore state(database, {.producer = std::string(64, 'a'), .channel = "c"});
  CHECK(code_of([&] {
          state.save("timestamp", "x");
          return 0;
        }) == ErrorCode::internal);
  CHECK(code_of([&] {
          state.remove("timestamp");
          return 0;
        }) == ErrorCode::internal);
}
