// What may not be served, by whichever digest it is named.
#include "store/denials.hpp"

#include "base/files.hpp"
#include "store/state_db.hpp"
#include "support/catch.hpp"

namespace airlock::store {

TEST_CASE("a denial by another digest means the content that it is known for", "[store][denials]") {
  const base::TempDir folder;
  StateDb state(folder.path(), StateDb::Access::change);
  const base::Digest other = base::Digest::parse("sha512:" + std::string(128, 'a'));
  state.add_alias(other, base::sha256("content"));
  state.set_block({.item = other.to_string(), .reason = "why", .ticket = "", .user = "", .since = {}});
  model::FileRow row;
  row.ecosystem = "npm";
  row.path = "left-pad/-/left-pad-1.3.0.tgz";
  row.sha256 = base::sha256("content");
  const ChannelKey channel{"producer", "site-a"};
  const Denials denials(state);
  REQUIRE(denials.find(channel, row) != nullptr);
  CHECK(denials.find(channel, row)->why == "blocked on this side: why");
  row.sha256 = base::sha256("other content");
  CHECK(denials.find(channel, row) == nullptr);
  row.pin = other.to_string();
  CHECK(denials.find(channel, row) == nullptr);  // the alias says better what it is
}

}  // namespace airlock::store
