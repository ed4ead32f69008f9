// Whether the log of a home is whole: its chain, and what was written down of it elsewhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/reporter.hpp"
#include "store/state_db.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

struct AuditCheckOptions {
  Home home;
  std::vector<std::filesystem::path> receipts;  // that were carried away
  std::vector<store::AuditMark> marks;          // from paper
  // At named steps: "marks-read". A test changes the home there.
  std::function<void(std::string_view step)> at_step = {};
};

struct AuditCheckReport {
  std::uint64_t entries = 0;
  std::string head;          // hex, of the newest entry; empty: there is none
  std::size_t compared = 0;  // marks
  std::vector<base::Finding> findings;

  bool unbroken() const;  // no finding of severity error
};

// Also compares the receipts of the home itself: they cost nothing, and who forgets them when rewriting the log is
// found out. An import may run meanwhile. Throws not_found for a home without state, what read_receipt() throws of a
// receipt that was named, and conflict for one that another home wrote and this log does not bear out.
AuditCheckReport check_audit_log(const AuditCheckOptions& options, base::Reporter& reporter);

}  // namespace airlock::workflow
