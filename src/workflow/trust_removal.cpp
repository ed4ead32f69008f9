#include "workflow/trust_removal.hpp"

#include <algorithm>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "store/catalog.hpp"
#include "store/state_db.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/policy.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

PinnedRoot require_pinned(const Home& home, const std::string& producer) {
  if (producer.size() < k_fewest_producer_digits) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is too short: {} digits or more of the fingerprint say which root "
                                              "is meant",
                                              base::printable(producer, 80), k_fewest_producer_digits))
        .with_hint("`airlock trust show` lists them");
  }
  std::vector<PinnedRoot> found;
  for (PinnedRoot& root : read_pinned_roots(home)) {
    if (root.producer().starts_with(producer)) {
      found.push_back(std::move(root));
    }
  }
  if (found.size() > 1) {
    throw Error(ErrorCode::usage, fmt::format("{} pinned roots begin with {}", found.size(), producer))
        .with_hint("give more of the fingerprint; `airlock trust show` lists them");
  }
  if (found.empty()) {
    throw Error(ErrorCode::not_found,
                fmt::format("no root is pinned here whose fingerprint begins with '{}'", base::printable(producer, 80)))
        .with_hint("`airlock trust show` lists them");
  }
  return std::move(found.front());
}

}  // namespace

TrustRemoval remove_trust(const Home& home, const std::string& producer, const base::Clock& clock,
                          const Remark& remark) {
  if (base::trim(remark.reason).empty()) {
    throw Error(ErrorCode::usage, "taking a producer's root away needs a reason")
        .with_hint("add --reason TEXT; the audit log keeps it");
  }
  require_one_line(remark);
  const PinnedRoot root = require_pinned(home, producer);
  store::StateDb state(home.root, store::StateDb::Access::change);
  TrustRemoval report{
      .producer = root.producer(), .version = root.root.root.version, .file = root.file, .channels = {}};
  const base::Time now = clock.now();
  auto change = state.change();
  for (const store::ChannelKey& key : state.channels()) {
    if (key.producer == report.producer && !state.out_of_service(key)) {
      state.take_out_of_service(key, {.reason = remark.reason, .ticket = remark.ticket, .user = {}, .since = now});
      report.channels.push_back(key.channel);
    }
  }
  base::Json detail = {{"fingerprint", report.producer},
                       {"version", report.version},
                       {"file", report.file.string()},
                       {"channels", report.channels}};
  remark.add_to(detail);
  state.audit(now, "trust-remove", audit_text(detail));
  std::unique_ptr<store::CatalogBuilder> catalog;
  if (!report.channels.empty() || !store::catalog_is_current(state, home.root)) {
    state.set_channel_order(load_policy(home).channel_order);
    catalog = store::prepare_catalog(state, home.root);
  }
  change.commit();
  if (catalog) {
    catalog->publish();
  }
  std::error_code failure;
  if (std::filesystem::remove(report.file, failure); failure) {
    throw base::system_error(failure.value(), fmt::format("cannot remove {}", report.file.string()))
        .with_hint("nothing of this producer is served any more; whoever may write that folder takes the file away, or "
                   "a bundle of it can still be imported");
  }
  base::sync_directory(report.file.parent_path());
  return report;
}

}  // namespace airlock::workflow
