#include "workflow/block.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "model/item.hpp"
#include "workflow/import_one.hpp"
#include "workflow/known_item.hpp"
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

BlockReport count_rows(const model::Item& item, const StateDb& state) {
  BlockReport report;
  report.item = item.text();
  for (const auto& generation : state.generations()) {
    if (!generation.active) {
      continue;
    }
    state.for_each_row(generation.id, [&](const model::FileRow& row) {
      if (row.ecosystem == k_bundle_ecosystem || row.kind == model::Kind::known || !item.matches(row)) {
        return;
      }
      if (report.files++ < k_blocked_named) {
        report.some.push_back(fmt::format("{} {}", row.ecosystem, row.path));
      }
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

std::string audit_detail(const BlockReport& report, const std::string& reason, const std::string& ticket) {
  base::Json detail = {{"item", report.item}, {"files", report.files}};
  if (!reason.empty()) {
    detail["reason"] = reason;
  }
  if (!ticket.empty()) {
    detail["ticket"] = ticket;
  }
  return base::to_line(detail);
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
    throw Error(ErrorCode::not_found, fmt::format("'{}' is not blocked here", item.text()))
        .with_hint("`airlock block --list` shows what is");
  }
  state.audit(clock.now(), "unblock", audit_detail(report, reason, ticket));
  finish(state, change, home, report);
  return report;
}

}  // namespace airlock::workflow
