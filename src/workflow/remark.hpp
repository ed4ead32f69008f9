// What a person says about a change; kept in the audit log beside it.
#pragma once

#include <string>

#include "base/json.hpp"

namespace airlock::workflow {

struct Remark {
  std::string reason, ticket;

  void add_to(base::Json& detail) const {
    if (!reason.empty()) {
      detail["reason"] = reason;
    }
    if (!ticket.empty()) {
      detail["ticket"] = ticket;
    }
  }
};

// Where others are shown it, clients or in `status`. Throws usage: not one line of at most bundle::k_reason_limit
// bytes.
void require_one_line(const Remark& remark);

// The detail of an audit entry as it is kept: bytes that are no UTF-8 must not stop what was done from being told.
inline std::string audit_text(const base::Json& detail) {
  return base::to_line(detail);
}

}  // namespace airlock::workflow
