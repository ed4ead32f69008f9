// What the sites that a delta is for hold already: `--base` as a bundle, a head, a receipt or a need list.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/reporter.hpp"
#include "bundle/documents.hpp"
#include "bundle/head.hpp"
#include "bundle/verified_bundle.hpp"
#include "workflow/bundle_files.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

struct BaseState {
  std::filesystem::path file;
  bundle::ShipmentBase named;       // serial and bundle id, for messages on the other side
  std::vector<base::Digest> holds;  // sorted
  // Of a need list: what was found missing for one bundle; that bundle's id, hex, and the digests, sorted.
  std::string lacks_of;
  std::vector<base::Digest> lacks;
  std::optional<bundle::Head> head;  // where it was a bundle or a head
};

// What a site refused on purpose counts as held, so that it is not sent again unasked.
enum class Withheld { leave_out, send_again };

// A head is proven against this home's own root; what it says may be long expired, since only its content counts here.
// Throws not_found, malformed, untrusted, tampered, approval_missing; foreign when a receipt knows nothing of
// `channel`. Where a receipt has it of several producers, this home's own is meant. What came to approve a head after
// its medium was closed is looked for in `files` too.
BaseState read_base(const std::filesystem::path& file, const Home& home, const std::string& channel,
                    Withheld withheld = Withheld::leave_out, const BundleFiles& files = {});
// Proves a sealed head under `root`, the bytes of one in its chain, as of when it was made. Throws as verify_head.
bundle::VerifiedBundle verify_under(const bundle::Head& head, std::string root);
// Proves a head of this home's producer. Throws as read_base.
bundle::VerifiedBundle verify_own_head(const bundle::Head& head, const Home& home);
// The same; or, of another producer, under his root that is pinned here: a second maker goes on from what the first one
// made.
bundle::VerifiedBundle verify_known_head(const bundle::Head& head, const Home& home);
// `--continue FILE`: the newer of `known`, which this home has, and of the head in `file`, which is proven as above.
// Throws conflict for one of another channel.
bundle::Head continue_channel(const Home& home, const std::string& channel, const std::optional<bundle::Head>& known,
                              const std::filesystem::path& file, base::Reporter& reporter,
                              const BundleFiles& files = {});

// What a shipment names of them. A site that has nothing of the channel yet has no serial to name.
std::vector<bundle::ShipmentBase> named_bases(const std::vector<BaseState>& bases);

// Sorted, each once.
void make_sorted_set(std::vector<base::Digest>& digests);

// What every one of them holds: one set then serves all. Sorted.
std::vector<base::Digest> held_by_all(const std::vector<BaseState>& bases);

}  // namespace airlock::workflow
