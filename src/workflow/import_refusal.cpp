#include "workflow/import_refusal.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "workflow/medium.hpp"
#include "workflow/remark.hpp"
#include "workflow/severity.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::uint64_t k_refusals_a_day = 100;
constexpr std::chrono::hours k_day{24};
constexpr std::size_t k_message_limit = 1000;  // bytes
constexpr std::size_t k_name_limit = 200;      // bytes

bool is_kept(ErrorCode code) {
  using enum ErrorCode;
  if (code == equivocation || code == scan_refused) {
    return false;  // an entry of their own
  }
  const int exit_code = base::error_code_info(code).exit_code;
  return exit_code == 3 || exit_code == 5 || code == conflict || code == limit || code == unsupported;
}

base::Json detail_of(const Refusal& refusal, const ImportRun& run) {
  const auto* const candidate = refusal.candidate;
  const Error& error = refusal.error;
  std::error_code ignored;
  const auto length = std::filesystem::file_size(candidate->path, ignored);
  base::Json detail = {
      {"code", base::error_code_info(error.code()).name},
      {"message", base::printable(error.message(), k_message_limit)},
      {"file", base::printable(candidate->path.filename().string(), k_name_limit)},
      {"length", ignored ? base::Json() : base::Json(length)},
      {"claimed",
       {{"channel", base::printable(candidate->hint.channel, k_name_limit)}, {"serial", candidate->hint.serial}}},
      {"proven", false},
      {"medium", to_json(medium_of(candidate->path))}};
  Remark{run.options.reason, run.options.ticket}.add_to(detail);
  return detail;
}

// The message is left out: it may hold the time of day, or how much of it an earlier run has kept.
bool is_same(base::Json before, base::Json now) {
  if (!before.is_object()) {
    return false;
  }
  before.erase("further");
  before.erase("message");
  now.erase("message");
  return before == now;
}

}  // namespace

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

std::string claimed_producer(const bundle::HeadCandidate& candidate, const std::vector<PinnedRoot>& roots) {
  if (roots.size() < 2) {
    return {};
  }
  try {
    const PinnedRoot* const root = find_root_for(bundle::Head::read(candidate.path), roots);
    return root != nullptr ? root->producer() : std::string();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;
    }
    return {};  // why it was refused is told already
  }
}

const Refusal& worst_of(const std::vector<Refusal>& refusals) {
  // What is only older than what is here says least.
  const auto rank = [](const Refusal& refusal) {
    return 2 * severity_rank(base::error_code_info(refusal.error.code()).exit_code) +
           (refusal.error.code() == ErrorCode::rollback ? 1 : 0);
  };
  return *std::ranges::min_element(refusals, {}, rank);
}

void audit_refusal(const Refusal& refusal, const ImportRun& run) {
  if (!is_kept(refusal.error.code())) {
    return;
  }
  try {
    const auto now = run.clock.now();
    auto detail = detail_of(refusal, run);
    std::uint64_t today = 0;
    for (const auto& entry : run.state.newest_audit_entries("import-refused", k_refusals_a_day)) {
      if (entry.time + k_day <= now) {
        break;
      }
      ++today;
      if (is_same(base::Json::parse(entry.detail, nullptr, false), detail)) {
        return;
      }
    }
    if (today >= k_refusals_a_day) {
      return;
    }
    if (today + 1 == k_refusals_a_day) {
      detail["further"] = "not kept before a day has passed";
    }
    auto change = run.state.change();
    run.state.audit(now, "import-refused", audit_text(detail));
    change.commit();
  } catch (const Error& failure) {
    if (failure.code() == ErrorCode::interrupted) {
      throw;
    }
    // Whatever hinders it, the refusal itself is what has to be told.
    run.reporter.warning(fmt::format("the audit log does not have this refusal: {}", failure.message()));
  }
}

}  // namespace airlock::workflow
