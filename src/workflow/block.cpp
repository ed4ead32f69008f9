#include "workflow/block.hpp"

#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "model/item.hpp"
#include "workflow/generations.hpp"
#include "workflow/import_one.hpp"
#include "workflow/known_item.hpp"
#include "workflow/left_out.hpp"
#include "workflow/remark.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using store::StateDb;

// A wrong --home must not become one by a block; but a site that has pinned its root may block before its first import.
StateDb open_to_block(const Home& home) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(home.pinned_roots(), ignored)) {
    const StateDb exists(home.root, StateDb::Access::read);
  }
  return StateDb(home.root, StateDb::Access::change);
}

// What is here is known by its SHA-256 alone: bundles name no other digest of a file, so that such a block would hold
// for nothing.
void require_sha256(const model::Item& item) {
  if (item.digest() && item.digest()->algorithm() != base::HashAlgorithm::sha256) {
    throw Error(ErrorCode::usage, fmt::format("'{}' would block nothing: files are known here by their sha256 alone",
                                              base::printable(item.text(), 160)))
        .with_hint("give the sha256, which `airlock store who NAME` tells of what is here, or the package: "
                   "npm:left-pad@1.3.0");
  }
}

// In the channels of `only`; all, where it is empty.
BlockReport count_rows(const model::Item& item, const StateDb& state, const std::set<store::ChannelKey>& only = {}) {
  BlockReport report;
  report.item = item.text();
  for (const auto& generation : state.generations()) {
    if (!generation.served() || (!only.empty() && !only.contains(generation.channel))) {
      continue;
    }
    const auto withheld = state.withheld(generation.channel);
    state.for_each_row(generation.id, [&](const model::FileRow& row) {
      if (row.ecosystem == k_bundle_ecosystem || row.kind == model::Kind::known || !item.matches(row)) {
        return;
      }
      if (report.files++ < k_blocked_named) {
        report.some.push_back(fmt::format("{} {}", row.ecosystem, row.path));
      }
      const bool left = row.kind == model::Kind::withheld && !(row.sha256 && withheld.contains(*row.sha256));
      report.lacking += left || (row.sha256 && !state.has_blob(*row.sha256)) ? 1U : 0U;
    });
  }
  return report;
}

// Everything in one transaction; a running server sees the new catalog with its next request.
void finish(StateDb& state, base::Transaction& change, const Home& home, BlockReport& report) {
  std::unique_ptr<store::CatalogBuilder> catalog;
  if (state.catalog_number() > 0) {
    catalog = store::prepare_catalog(state, home.root);
    report.catalog = catalog->number();
  }
  change.commit();
  if (catalog) {
    catalog->publish();
  }
}

base::Json channels_json(const std::vector<store::ChannelKey>& channels) {
  base::Json list = base::Json::array();
  for (const auto& key : channels) {
    list.push_back({{"channel", key.channel}, {"producer", key.producer}});
  }
  return list;
}

std::string audit_detail(const BlockReport& report, const std::string& reason, const std::string& ticket) {
  base::Json detail = {{"item", report.item}, {"files", report.files}};
  if (!report.channels.empty()) {
    detail["overridden_in"] = channels_json(report.channels);
  }
  Remark{reason, ticket}.add_to(detail);
  return base::to_line(detail);
}

// The channels whose producers revoked this very item; where `channel` names one, only that.
std::vector<store::ChannelKey> channels_that_revoked(const StateDb& state, const std::string& item,
                                                     const std::string& channel) {
  std::vector<store::ChannelKey> channels;
  for (const auto& revoked : state.revoked()) {
    if (revoked.item == item && (channel.empty() || revoked.channel.channel == channel)) {
      channels.push_back(revoked.channel);
    }
  }
  return channels;
}

Error not_blocked(const StateDb& state, const std::string& item) {
  Error error(ErrorCode::not_found, fmt::format("'{}' is not blocked here", item));
  error.with_hint(channels_that_revoked(state, item, "").empty()
                      ? "`airlock block --list` shows what is"
                      : "its producer revoked it; `airlock unblock ITEM --revoked --reason TEXT` serves it all the "
                        "same");
  return error;
}

}  // namespace

BlockReport block_item(const Home& home, const std::string& text, const std::string& reason, const std::string& ticket,
                       const base::Clock& clock) {
  const auto item = known_item(text);
  require_sha256(item);
  if (base::trim(reason).empty()) {
    throw Error(ErrorCode::usage, "blocking needs a reason").with_hint("add --reason TEXT; clients are told it");
  }
  require_one_line({reason, ticket});
  auto state = open_to_block(home);
  auto report = count_rows(item, state);
  auto change = state.change();
  state.set_block({.item = item.text(), .reason = reason, .ticket = ticket, .user = {}, .since = clock.now()});
  report.channels = state.remove_overrides(item.text());
  state.audit(clock.now(), "block", audit_detail(report, reason, ticket));
  finish(state, change, home, report);
  return report;
}

BlockReport unblock_item(const Home& home, const std::string& text, const std::string& reason,
                         const std::string& ticket, const base::Clock& clock) {
  const auto item = model::Item::parse(text);
  require_one_line({reason, ticket});
  auto state = open_to_block(home);
  auto report = count_rows(item, state);
  auto change = state.change();
  if (!state.remove_block(item.text())) {
    // An earlier run may have ended before its catalog was published: then this one only finishes it.
    if (store::catalog_is_current(state, home.root)) {
      throw not_blocked(state, item.text());
    }
  } else {
    state.audit(clock.now(), "unblock", audit_detail(report, reason, ticket));
  }
  finish(state, change, home, report);
  return report;
}

BlockReport serve_revoked(const Home& home, const std::string& text, const std::string& channel, const Remark& remark,
                          const base::Clock& clock) {
  const auto item = model::Item::parse(text);
  if (base::trim(remark.reason).empty()) {
    throw Error(ErrorCode::usage, "serving what its producer revoked needs a reason")
        .with_hint("add --reason TEXT; `airlock block --list`, `airlock status` and the audit log show it");
  }
  require_one_line(remark);
  auto state = open_to_block(home);
  const auto channels = channels_that_revoked(state, item.text(), channel);
  if (channels.empty()) {
    throw Error(ErrorCode::not_found, fmt::format("no producer revoked '{}'{}", base::printable(item.text(), 200),
                                                  channel.empty() ? "" : fmt::format(" of channel '{}'", channel)))
        .with_hint("give the very item that `airlock block --list` shows");
  }
  const auto now = clock.now();
  auto change = state.change();
  for (const auto& key : channels) {
    state.set_override(key, item.text(), {.reason = remark.reason, .ticket = remark.ticket, .user = {}, .since = now});
    give_back_rows(state, home, key);
  }
  auto report = count_rows(item, state, {channels.begin(), channels.end()});
  report.channels = channels;
  state.audit(now, "override-revocation", audit_detail(report, remark.reason, remark.ticket));
  finish(state, change, home, report);
  return report;
}

}  // namespace airlock::workflow
