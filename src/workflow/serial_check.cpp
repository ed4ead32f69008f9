#include "workflow/serial_check.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "trust/metadata.hpp"

namespace airlock::workflow {

void check_serial(const bundle::VerifiedBundle& verified, const store::StateDb& state, const store::ChannelKey& key) {
  using base::Error;
  using base::ErrorCode;
  const auto last = state.last_serial(key);
  const auto serial = verified.descriptor().serial;
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

}  // namespace airlock::workflow
