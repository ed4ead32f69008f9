// A channel's next state, in which something that was sent must not be served any more; statements alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/reporter.hpp"
#include "bundle/documents.hpp"
#include "workflow/create.hpp"
#include "workflow/home.hpp"
#include "workflow/keys.hpp"

namespace airlock::workflow {

struct RevokeOptions {
  std::vector<std::string> items;  // digests, package URLs, or names (model::Item), which stand for the artifacts that
                                   // the newest state has under them
  std::string reason;              // travels with them; clients on the far side are told it
  std::string channel;             // empty: the only one of this home
  std::string output;              // as with create
  std::optional<std::filesystem::path> continue_from;  // as with create
  Readback readback = Readback::removable_only;
};

struct RevokeReport {
  std::string channel;
  std::uint64_t serial = 0;
  std::string bundle_id;         // hex
  std::filesystem::path bundle;  // the head
  std::vector<std::filesystem::path> others;
  std::vector<bundle::Revoked> added;
  std::uint64_t revoked = 0;  // all of the channel
  std::uint64_t files = 0;    // of the newest state that are meant
  std::uint64_t approvals = 0, threshold = 1;
  bool sealed = false;
  bool continued = false;  // took up an interrupted run
  std::uint64_t bytes = 0;
  bool read_back = false;
  bool removable = false;
};

// The rows of the newest sealed state stay as they are, and so do the documents about them; a draft that is newer is
// passed over and has to be made again. Throws usage (no item, no reason, several channels), not_found (no state),
// conflict (all of it is revoked already, or a file is in the way), base_missing (the home came out of a backup and may
// not know the newest state), config (no keys), busy. Whatever stops it, the same call goes on with the same statement,
// also to another place.
RevokeReport revoke(const Home& home, const RevokeOptions& options, const KeyRing& keys, const base::Clock& clock,
                    base::Reporter& reporter);

}  // namespace airlock::workflow
