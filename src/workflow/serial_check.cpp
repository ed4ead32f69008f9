#include "workflow/serial_check.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "bundle/approval.hpp"
#include "trust/client.hpp"
#include "trust/metadata.hpp"

namespace airlock::workflow {

namespace {

// What a receipt or paper says of before a loss; it counts beside what is here.
void check_floor(const bundle::VerifiedBundle& verified, const store::StateDb& state, std::uint64_t last,
                 const store::ChannelKey& key) {
  using base::Error;
  using base::ErrorCode;
  const auto serial = verified.descriptor().serial;
  const auto root = verified.trusted().root.version;
  const auto snapshot = verified.trusted().snapshot.version;
  const auto refuse = [&](std::string_view what, std::uint64_t has, std::uint64_t wants) {
    throw Error(ErrorCode::rollback,
                fmt::format("{} {} of bundle {} of channel '{}' is older than {}, which was taken in here before the "
                            "state was lost",
                            what, has, serial, key.channel, wants))
        .with_hint("bring the newest bundle; `airlock trust show` prints the floors; where one was a mistake, an "
                   "administrator runs `airlock trust floor --lower`");
  };
  // Roots are the producer's; what one of its channels says of them holds for all.
  if (const auto known = state.root_floor(key.producer); root < known) {
    refuse("the root version", root, known);
  }
  const auto floor = state.floor(key);
  if (!floor) {
    return;
  }
  // The state that is here may have its bytes brought again; anything newer must not be older than what was lost.
  if (serial < floor->serial && serial > last) {
    refuse("serial", serial, floor->serial);
  }
  if (serial >= floor->serial && snapshot < floor->snapshot_version) {
    refuse("the snapshot version", snapshot, floor->snapshot_version);
  }
  if (serial == floor->serial && serial > last && !floor->bundle_id.empty() &&
      floor->bundle_id != verified.bundle_id()) {
    throw Error(ErrorCode::equivocation,
                fmt::format("serial {} of channel '{}' was taken in with another state than this bundle has, as the "
                            "receipt says that was given at the restore",
                            serial, key.channel));
  }
}

// `from`: the newest serial that counts here; 0: none. New keys start the versions of the roles anew, and not the
// serial: what leaps to the end of all numbers would be the channel's last bundle for good.
void refuse_leap(std::uint64_t serial, std::uint64_t from, const std::string& channel, const trust::Policy& policy) {
  using base::Error;
  using base::ErrorCode;
  const auto reach =
      from == 0 ? std::max(policy.largest_version_jump, trust::k_first_version_limit) : policy.largest_version_jump;
  if (serial > from && serial - from > reach) {
    throw Error(
        ErrorCode::untrusted,
        from == 0 ? fmt::format("serial {} is further than any channel has come, and '{}' is new here", serial, channel)
                  : fmt::format("the serial of channel '{}' jumps from {} to {}, further than this site's policy "
                                "allows",
                                channel, from, serial))
        .with_hint("a stolen key could make every later bundle look old; ask the producer before allowing it with "
                   "`largest_version_jump` in policy.yaml");
  }
}

// Whether the newest serial here has another state. Where a person lowered it, the stored snapshot is that of a later
// one: the generations tell, or, of one that was swept away, the log.
bool is_another_state(const bundle::VerifiedBundle& verified, const store::StateDb& state,
                      const store::ChannelKey& key) {
  bool is_here = false;
  for (const auto& generation : state.generations()) {
    if (generation.channel == key && generation.serial == verified.descriptor().serial) {
      if (generation.bundle_id == verified.bundle_id()) {
        return false;
      }
      is_here = true;
    }
  }
  if (is_here) {
    return true;
  }
  if (state.floor_lowering(key)) {
    const auto taken = state.imported_as(key, verified.descriptor().serial);
    return taken && *taken != verified.bundle_id();
  }
  const auto snapshot = state.role(key, "snapshot");
  return snapshot &&
         trust::identity(trust::parse_signed(*snapshot, "snapshot.json", trust::k_metadata_ceiling)).hex() !=
             verified.bundle_id();
}

}  // namespace

std::string hint_for_older(std::uint64_t serial, std::uint64_t last, std::string_view channel) {
  if (last - serial <= k_long_leap) {
    return "nothing to do; to serve an earlier state again use `airlock store rollback`";
  }
  return fmt::format("ask the producer whether it ever made serial {}: where a stolen key did, `airlock trust floor "
                     "--lower {}:SERIAL --reason TEXT` with the producer's own last one lets its bundles in again "
                     "(docs/operations/backup.md)",
                     last, channel);
}

void check_serial(const bundle::VerifiedBundle& verified, const store::StateDb& state, const store::ChannelKey& key,
                  const trust::Policy& policy) {
  using base::Error;
  using base::ErrorCode;
  const auto last = state.last_serial(key);
  const auto serial = verified.descriptor().serial;
  check_floor(verified, state, last.value_or(0), key);
  if (!last || serial > *last) {
    const auto floor = state.floor(key);
    refuse_leap(serial, std::max(last.value_or(0), floor ? floor->serial : 0), key.channel, policy);
    return;
  }
  if (serial < *last) {
    throw Error(ErrorCode::rollback, fmt::format("channel '{}' is at serial {} here already; bundle {} is older",
                                                 key.channel, *last, serial))
        .with_hint(hint_for_older(serial, *last, key.channel));
  }
  if (is_another_state(verified, state, key)) {
    throw Error(ErrorCode::equivocation,
                fmt::format("serial {} of channel '{}' was taken in with another state than this bundle has", serial,
                            key.channel));
  }
}

void check_first_serial(const bundle::VerifiedBundle& verified, const trust::Policy& policy) {
  refuse_leap(verified.descriptor().serial, 0, verified.descriptor().channel, policy);
}

void explain_older_versions(base::Error& error, std::uint64_t serial, const store::StateDb& state,
                            const store::ChannelKey& key) {
  const auto last = state.last_serial(key);
  if (error.code() == base::ErrorCode::rollback && error.hint().empty() && last && serial > *last) {
    error.with_hint(fmt::format("it says to be bundle {}, newer than {}, which is here, though its timestamp or "
                                "snapshot is older: ask the producer whether the timestamp key is safe "
                                "(docs/operations/night.md)",
                                serial, *last));
  }
}

std::optional<store::Generation> taken_in_as(const bundle::Head& head, const store::StateDb& state,
                                             const store::ChannelKey& key) {
  std::string bundle_id;
  try {
    bundle_id = trust::identity(bundle::snapshot_of(head).file).hex();
  } catch (const base::Error& error) {
    if (error.code() == base::ErrorCode::interrupted) {
      throw;
    }
    return std::nullopt;
  }
  for (auto& generation : state.generations()) {  // newest first
    if (generation.channel == key && generation.bundle_id == bundle_id) {
      return std::move(generation);
    }
  }
  return std::nullopt;
}

}  // namespace airlock::workflow
