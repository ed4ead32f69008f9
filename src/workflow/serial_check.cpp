#include "workflow/serial_check.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "bundle/approval.hpp"
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

}  // namespace

void check_serial(const bundle::VerifiedBundle& verified, const store::StateDb& state, const store::ChannelKey& key) {
  using base::Error;
  using base::ErrorCode;
  const auto last = state.last_serial(key);
  const auto serial = verified.descriptor().serial;
  check_floor(verified, state, last.value_or(0), key);
  if (!last || serial > *last) {
    return;
  }
  if (serial < *last) {
    throw Error(ErrorCode::rollback, fmt::format("channel '{}' is at serial {} here already; bundle {} is older",
                                                 key.channel, *last, serial))
        .with_hint("nothing to do; to serve an earlier state again use `airlock store rollback`");
  }
  const auto snapshot = state.role(key, "snapshot");
  if (snapshot && trust::identity(trust::parse_signed(*snapshot, "snapshot.json", trust::k_metadata_ceiling)).hex() !=
                      verified.bundle_id()) {
    throw Error(ErrorCode::equivocation,
                fmt::format("serial {} of channel '{}' was taken in with another state than this bundle has", serial,
                            key.channel));
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
