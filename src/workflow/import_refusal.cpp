#include "workflow/import_refusal.hpp"

#include <algorithm>

#include "workflow/severity.hpp"

namespace airlock::workflow {

using base::ErrorCode;

bool ends_run(ErrorCode code) {
  using enum ErrorCode;
  return code == equivocation || code == scan_failed || code == usage || code == config || code == busy ||
         code == internal || code == interrupted;
}

bool may_be_superseded(ErrorCode code) {
  using enum ErrorCode;
  return code == base_missing || code == volume_missing || code == truncated || code == rollback || code == expired ||
         code == approval_missing || code == no_space;
}

const Refusal& worst_of(const std::vector<Refusal>& refusals) {
  // What is only older than what is here says least.
  const auto rank = [](const Refusal& refusal) {
    return 2 * severity_rank(base::error_code_info(refusal.error.code()).exit_code) +
           (refusal.error.code() == ErrorCode::rollback ? 1 : 0);
  };
  return *std::ranges::min_element(refusals, {}, rank);
}

}  // namespace airlock::workflow
