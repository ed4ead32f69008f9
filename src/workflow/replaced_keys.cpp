#include "workflow/replaced_keys.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bundle/state_store.hpp"
#include "bundle/verified_bundle.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

// Of what signs a state; a root's own keys do not.
bool has_same_keys(const trust::Root& one, const trust::Root& other) {
  const auto keys = [](const trust::Root& root, const std::string& role) {
    const auto& keyids = root.roles.at(role).keyids;
    return std::set<std::string>(keyids.begin(), keyids.end());
  };
  const std::vector<std::string> roles = {"timestamp", "snapshot", "targets"};
  return std::ranges::all_of(roles, [&](const std::string& role) {
    return keys(one, role) == keys(other, role) && one.roles.at(role).threshold == other.roles.at(role).threshold;
  });
}

// The version of the newest root here, where the site trusted this one, has followed the chain beyond it, and has
// other keys now.
std::optional<std::uint64_t> replaced_here_by(const trust::TrustedSet& old, const PinnedRoot& pinned,
                                              const std::vector<std::string>& stored) {
  std::vector<std::string> chain = {pinned.bytes};
  chain.insert(chain.end(), stored.begin(), stored.end());
  bool known = false;
  trust::Root newest;
  for (const std::string& bytes : chain) {
    const auto file = trust::parse_signed(bytes, "root", trust::k_root_limit);
    known = known || trust::identity(file) == trust::identity(old.root_file);
    if (trust::Root root = trust::parse_root(file); root.version > newest.version) {
      newest = std::move(root);
    }
  }
  const bool is_replaced = known && old.root.version < newest.version && !has_same_keys(old.root, newest);
  return is_replaced ? std::optional(newest.version) : std::nullopt;
}

bool is_older_state(const bundle::VerifiedBundle& old, const store::StateDb& state, const store::ChannelKey& key) {
  const auto serial = old.descriptor().serial;
  const auto last = state.last_serial(key);
  const auto snapshot = state.role(key, "snapshot");
  if (!last || serial > *last || !snapshot) {
    return false;
  }
  const auto generations = state.generations();
  if (serial == *last) {
    // The very state that is here, in a statement of before.
    return std::ranges::any_of(generations, [&](const store::Generation& one) {
      return one.channel == key && one.bundle_id == old.bundle_id();
    });
  }
  // Another state under a serial that is here is no old bundle.
  const bool contradicts = std::ranges::any_of(generations, [&](const store::Generation& one) {
    return one.channel == key && one.serial == serial && one.bundle_id != old.bundle_id();
  });
  const auto here = trust::parse_snapshot(trust::parse_signed(*snapshot, "snapshot", trust::k_snapshot_limit));
  return !contradicts && old.trusted().snapshot.version < here.version;
}

}  // namespace

std::optional<Error> older_than_keys(const bundle::Head& head, const PinnedRoot& root, const store::StateDb& state,
                                     const store::ChannelKey& key, const Error& refusal) {
  if (!refusal.hint().empty()) {
    return std::nullopt;  // a leap or a version that cannot be: no matter of old keys, and it says what to do
  }
  try {
    bundle::VerifyOptions options;
    options.pinned_root = root.bytes;
    options.producer = key.producer;
    options.channel = key.channel;
    options.now = base::parse_rfc3339(head.hint().created);  // was it good when it was made?
    options.policy.trust.largest_version_jump = trust::Policy::k_any_jump;
    bundle::EmptyStateStore nothing;
    const auto old = bundle::verify_head(head, nothing, options);
    const auto newest = replaced_here_by(old.trusted(), root, state.roots(key.producer));
    if (!newest) {
      return std::nullopt;
    }
    if (!is_older_state(old, state, key)) {
      Error explained = refusal;
      explained.with_hint(
          fmt::format("it is signed under root version {}, whose keys version {} has replaced here: "
                      "ask the producer for a bundle that is made under the newest root; where it did "
                      "not make this one before it replaced them, somebody else has the old keys, so call "
                      "security",
                      old.trusted().root.version, *newest));
      return explained;
    }
    if (old.descriptor().serial == *state.last_serial(key)) {
      return Error(ErrorCode::rollback,
                   fmt::format("this statement of bundle {} of channel '{}' was made before the producer's keys were "
                               "replaced, and the state is here in a newer one",
                               old.descriptor().serial, key.channel))
          .with_hint("nothing has to be done");
    }
    return Error(ErrorCode::rollback,
                 fmt::format("bundle {} of channel '{}' is older than {}, which this site has; it was made before the "
                             "producer's keys were replaced",
                             old.descriptor().serial, key.channel, *state.last_serial(key)))
        .with_hint("nothing has to be done; bring a newer bundle");
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;
    }
    return std::nullopt;
  }
}

}  // namespace airlock::workflow
