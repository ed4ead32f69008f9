#include "workflow/base_state.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/error.hpp"
#include "workflow/approved_head.hpp"
#include "workflow/keys.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/receipt.hpp"

namespace airlock::workflow {

using base::Digest;
using base::Error;
using base::ErrorCode;

void make_sorted_set(std::vector<Digest>& digests) {
  std::ranges::sort(digests);
  digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
}

namespace {

// Of two producers' channels of that name, this home's own; of several of those, as a site lists them that has pinned a
// later root of this home as well, the one with the newest state.
std::vector<ReceiptChannel>::const_iterator find_channel(const Receipt& receipt, const std::string& channel,
                                                         const Home& home) {
  const auto end = receipt.channels.end();
  auto own = end;
  for (auto one = receipt.channels.begin(); one != end; ++one) {
    const bool is_newest = own == end || one->serial > own->serial;
    if (one->channel == channel && is_newest && may_be_own_producer(home, one->producer)) {
      own = one;
    }
  }
  return own != end ? own : std::ranges::find(receipt.channels, channel, &ReceiptChannel::channel);
}

// Whether it says what is lacking for a bundle of this home's channel.
bool is_need_of(const Receipt& receipt, const std::string& channel, const Home& home) {
  return receipt.need_channel == channel &&
         (receipt.need_producer.empty() || may_be_own_producer(home, receipt.need_producer));
}

BaseState from_receipt(const std::filesystem::path& file, const Home& home, const std::string& channel,
                       Withheld withheld) {
  Receipt receipt = read_receipt(file);
  BaseState base;
  base.file = file;
  const auto found = find_channel(receipt, channel, home);
  const bool is_need = is_need_of(receipt, channel, home);
  if (found == receipt.channels.end() && !is_need) {
    throw Error(ErrorCode::foreign, fmt::format("{} tells nothing of the channel '{}'", file.string(), channel))
        .with_hint("bring the receipt of a site that takes this channel, or leave --base out for a full bundle");
  }
  if (found != receipt.channels.end()) {
    base.named = {.serial = found->serial, .bundle_id = found->bundle_id};
  }
  base.holds = std::move(receipt.blobs);
  if (withheld == Withheld::leave_out) {
    base.holds.insert(base.holds.end(), receipt.withheld.begin(), receipt.withheld.end());
  }
  make_sorted_set(base.holds);
  if (is_need) {
    base.lacks_of = receipt.need_bundle_id;
    for (const SiteBlob& blob : receipt.missing) {
      base.lacks.push_back(blob.sha256);
    }
    make_sorted_set(base.lacks);
  }
  return base;
}

}  // namespace

bundle::VerifiedBundle verify_under(const bundle::Head& head, std::string root) {
  bundle::VerifyOptions options;
  options.pinned_root = std::move(root);
  options.now = base::parse_rfc3339(head.hint().created);
  bundle::EmptyStateStore nothing;
  return bundle::verify_head(head, nothing, options);
}

bundle::VerifiedBundle verify_own_head(const bundle::Head& head, const Home& home) {
  return verify_under(head, read_own_roots(home).front());
}

bundle::VerifiedBundle verify_known_head(const bundle::Head& head, const Home& home) {
  const auto own = read_own_root(home);
  if (!own || find_root_for(head, {*own}) == nullptr) {
    const auto pinned = read_pinned_roots(home);
    if (const PinnedRoot* root = find_root_for(head, pinned)) {
      return verify_under(head, root->bytes);
    }
  }
  return verify_own_head(head, home);
}

bundle::Head continue_channel(const Home& home, const std::string& channel, const std::optional<bundle::Head>& known,
                              const std::filesystem::path& file, base::Reporter& reporter, const BundleFiles& files) {
  const bundle::Head head = read_approved_head(file, files).head;
  const bundle::VerifiedBundle verified = verify_known_head(head, home);
  if (verified.descriptor().channel != channel) {
    throw Error(ErrorCode::conflict, fmt::format("{} is of the channel '{}', not of '{}'", head.file().string(),
                                                 verified.descriptor().channel, channel))
        .with_hint("a manifest's `name` is its channel");
  }
  if (known && known->hint().serial >= verified.descriptor().serial) {
    reporter.say(
        fmt::format("this home knows the channel up to serial {}, so it continues from there", known->hint().serial));
    return *known;
  }
  return head;
}

BaseState read_base(const std::filesystem::path& file, const Home& home, const std::string& channel, Withheld withheld,
                    const BundleFiles& files) {
  return base::with_context([&] { return fmt::format("reading the base {}", file.string()); },
                            [&] {
                              std::error_code ignored;
                              if (std::filesystem::is_regular_file(file, ignored) && looks_like_receipt(file)) {
                                return from_receipt(file, home, channel, withheld);
                              }
                              BaseState base;
                              base.file = file;
                              base.head = read_approved_head(file, files).head;
                              const bundle::VerifiedBundle verified = verify_own_head(*base.head, home);
                              base.named = {.serial = verified.descriptor().serial, .bundle_id = verified.bundle_id()};
                              for (const auto& blob : verified.blobs()) {
                                base.holds.push_back(blob.sha256);
                              }
                              make_sorted_set(base.holds);
                              return base;
                            });
}

std::vector<bundle::ShipmentBase> named_bases(const std::vector<BaseState>& bases) {
  std::vector<bundle::ShipmentBase> named;
  for (const BaseState& base : bases) {
    if (!base.named.bundle_id.empty()) {
      named.push_back(base.named);
    }
  }
  return named;
}

std::vector<Digest> held_by_all(const std::vector<BaseState>& bases) {
  if (bases.empty()) {
    return {};
  }
  std::vector<Digest> common = bases.front().holds;
  for (const BaseState& base : bases) {
    std::vector<Digest> both;
    std::ranges::set_intersection(common, base.holds, std::back_inserter(both));
    common = std::move(both);
  }
  return common;
}

}  // namespace airlock::workflow
