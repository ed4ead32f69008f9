#include "workflow/replaced_keys.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bundle/state_store.hpp"
#include "bundle/verified_bundle.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

// What a newer root asks of what signs a state, of its own keys apart: the same as before or less, more signatures by
// the same keys, or that other keys sign.
enum class StateKeys { same, more, replaced };

StateKeys change_of_keys(const trust::Root& before, const trust::Root& now) {
  StateKeys change = StateKeys::same;
  for (const std::string role : {"timestamp", "snapshot", "targets"}) {
    const trust::RoleKeys& then = before.roles.at(role);
    const trust::RoleKeys& newer = now.roles.at(role);
    const std::set<std::string> old_keys(then.keyids.begin(), then.keyids.end());
    const std::set<std::string> new_keys(newer.keyids.begin(), newer.keyids.end());
    if (!std::includes(new_keys.begin(), new_keys.end(), old_keys.begin(), old_keys.end())) {
      return StateKeys::replaced;
    }
    if (newer.threshold > then.threshold) {
      change = StateKeys::more;
    }
  }
  return change;
}

struct ChangedKeys {
  std::uint64_t version = 0;  // of the newest root here
  StateKeys change = StateKeys::same;

  // To read behind "before".
  std::string_view text() const {
    const bool replaced = change == StateKeys::replaced;
    return replaced ? "the producer's keys were replaced" : "the producer asked for more signatures";
  }
};

// Where the site trusted this root, has followed the chain beyond it, and asks for other or more signatures now.
std::optional<ChangedKeys> changed_here(const trust::TrustedSet& old, const PinnedRoot& pinned,
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
  if (!known || old.root.version >= newest.version) {
    return std::nullopt;
  }
  const StateKeys change = change_of_keys(old.root, newest);
  return change == StateKeys::same ? std::nullopt : std::optional(ChangedKeys{newest.version, change});
}

// What to do about a bundle under the old root that is no old one.
std::string hint_for_changed(std::uint64_t old_version, const ChangedKeys& here) {
  const bool replaced = here.change == StateKeys::replaced;
  return fmt::format("it is signed under root version {}, {}: ask the producer for a bundle that is made under the "
                     "newest root; where it did not make this one before {}, somebody else has {}, so call security",
                     old_version,
                     replaced ? fmt::format("whose keys version {} has replaced here", here.version)
                              : fmt::format("and version {} asks for more signatures here", here.version),
                     replaced ? "it replaced them" : "that", replaced ? "the old keys" : "its keys");
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
    const auto changed = changed_here(old.trusted(), root, state.roots(key.producer));
    if (!changed) {
      return std::nullopt;
    }
    if (!is_older_state(old, state, key)) {
      Error explained = refusal;
      explained.with_hint(hint_for_changed(old.trusted().root.version, *changed));
      return explained;
    }
    if (old.descriptor().serial == *state.last_serial(key)) {
      return Error(ErrorCode::rollback,
                   fmt::format("this statement of bundle {} of channel '{}' was made before {}, and the state is here "
                               "in a newer one",
                               old.descriptor().serial, key.channel, changed->text()))
          .with_hint("nothing has to be done");
    }
    return Error(ErrorCode::rollback,
                 fmt::format("bundle {} of channel '{}' is older than {}, which this site has; it was made before {}",
                             old.descriptor().serial, key.channel, *state.last_serial(key), changed->text()))
        .with_hint("nothing has to be done; bring a newer bundle");
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;
    }
    return std::nullopt;
  }
}

}  // namespace airlock::workflow
