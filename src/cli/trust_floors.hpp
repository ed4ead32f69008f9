// Floors on the command line: `trust floor`, and the same flags of `trust init`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/json.hpp"
#include "cli/session.hpp"
#include "store/state_db.hpp"
#include "workflow/floors.hpp"

namespace airlock::cli {

struct FloorFlags {
  std::vector<std::string> receipts, floors;

  bool empty() const { return receipts.empty() && floors.empty(); }
  // The newest entry of the audit log that a receipt knows; 0 without receipts.
  std::uint64_t audit_number() const;
  std::vector<workflow::FloorWish> wishes() const;
};
void add_floor_flags(CLI::App& command, FloorFlags& flags);

using FloorChanges = std::vector<workflow::FloorChange>;

// `all`: StateDb::channels(), to name the producer where two have a channel of that name.
std::string floor_changes_text(const FloorChanges& changes, const std::vector<store::ChannelKey>& all);
base::Json floor_changes_json(const FloorChanges& changes);
base::Json floor_json(const store::Floor& floor);

// Inside a change() of the caller; `detail` of the log's entry gets what was raised.
FloorChanges take_floors(const Session& session, store::StateDb& state, const std::vector<workflow::FloorWish>& wishes,
                         const FloorFlags& flags, base::Json& detail);

void add_floor_command(CLI::App& trust, Session& session);

}  // namespace airlock::cli
