#include "workflow/block.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "bundle/documents.hpp"
#include "model/item.hpp"
#include "workflow/import_one.hpp"

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

void check_words(const std::string& reason, const std::string& ticket) {
  for (const auto& text : {reason, ticket}) {
    if (text.size() > bundle::k_reason_limit || base::printable(text, bundle::k_reason_limit) != text) {
      throw Error(ErrorCode::usage,
                  fmt::format("a reason and a ticket are one line of at most {} bytes each", bundle::k_reason_limit));
    }
  }
}

// A digest in another algorithm stands for content that is known by its SHA-256.
std::vector<base::Digest> digests_of(const model::Item& item, const StateDb& state) {
  std::vector<base::Digest> digests;
  if (item.digest() && item.digest()->algorithm() == base::HashAlgorithm::sha256) {
    digests.push_back(*item.digest());
  } else if (item.digest()) {
    state.for_each_alias([&](const base::Digest& other, const base::Digest& sha256) {
      if (other == *item.digest()) {
        digests.push_back(sha256);
      }
    });
  }
  return digests;
}

BlockReport count_rows(const model::Item& item, const StateDb& state) {
  BlockReport report;
  report.item = item.text();
  const auto digests = digests_of(item, state);
  for (const auto& generation : state.generations()) {
    if (!generation.active) {
      continue;
    }
    state.for_each_row(generation.id, [&](const model::FileRow& row) {
      const bool same = row.sha256 && std::find(digests.begin(), digests.end(), *row.sha256) != digests.end();
      if (row.ecosystem == k_bundle_ecosystem || row.kind == model::Kind::known || (!same && !item.matches(row))) {
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
  const auto item = model::Item::parse(text);
  if (base::trim(reason).empty()) {
    throw Error(ErrorCode::usage, "blocking needs a reason").with_hint("add --reason TEXT; clients are told it");
  }
  check_words(reason, ticket);
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
  check_words(reason, ticket);
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
