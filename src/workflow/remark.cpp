#include "workflow/remark.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/documents.hpp"

namespace airlock::workflow {

void require_one_line(const Remark& remark) {
  for (const auto& text : {remark.reason, remark.ticket}) {
    if (text.size() > bundle::k_reason_limit || base::printable(text, bundle::k_reason_limit) != text) {
      throw base::Error(
          base::ErrorCode::usage,
          fmt::format("a reason and a ticket are one line of at most {} bytes each", bundle::k_reason_limit));
    }
  }
}

}  // namespace airlock::workflow
