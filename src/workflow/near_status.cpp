#include "workflow/near_status.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "workflow/channel_state.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using base::Finding;
using base::Severity;

std::int64_t days_left(base::Time expires, base::Time wall) {
  return std::chrono::floor<std::chrono::days>(expires - wall).count();
}

void judge_root(const KeysReport& keys, base::Time wall, std::vector<Finding>& findings) {
  const std::string subject = fmt::format("root version {} of this home", keys.root_version);
  if (keys.expires <= wall) {
    findings.push_back({Severity::error, ErrorCode::expired, subject,
                        fmt::format("it expired on {}, and no site takes a bundle under it; airlock keys renew",
                                    base::to_rfc3339(keys.expires))});
  } else if (root_ends_soon(keys.expires, wall)) {
    findings.push_back(
        {Severity::warning, ErrorCode::expired, subject,
         fmt::format("it expires in {} days; renew it soon: airlock keys renew", days_left(keys.expires, wall))});
  }
}

void judge_pending(const RootProgress& pending, std::vector<Finding>& findings) {
  const auto& count = pending.approvals;
  const auto old =
      pending.first ? "" : fmt::format("{} of {} by the old keys, ", count.old_signers, count.old_threshold);
  findings.push_back({Severity::note, ErrorCode::approval_missing,
                      fmt::format("root version {} of this home", pending.version),
                      fmt::format("it waits for signatures: {}{} of {} by its own; `airlock keys show` tells whose",
                                  old, count.new_signers, count.new_threshold)});
}

// Roles of the build host whose private key is neither here nor reached by a command.
void judge_missing_keys(const KeysReport& keys, std::vector<Finding>& findings) {
  for (const std::string role : {"targets", "timestamp"}) {
    const bool reached = std::ranges::any_of(keys.keys, [&role](const KeyInfo& key) {
      return key.role == role && (!key.file.empty() || !key.command.empty());
    });
    if (!reached) {
      findings.push_back({Severity::warning, ErrorCode::not_found, fmt::format("key of role '{}'", role),
                          fmt::format("its private half is not in this home, so no bundle can be {}; put it back into "
                                      "keys/, or `airlock keys rotate {}`",
                                      role == "targets" ? "made" : "sealed", role)});
    }
  }
}

void judge_restored(const MadeChannel& channel, std::vector<Finding>& findings) {
  if (channel.waits_for_newest) {
    findings.push_back({Severity::warning, ErrorCode::base_missing, fmt::format("channel '{}'", channel.name),
                        "this home was restored and may not know its newest bundle: the next `airlock bundle create` "
                        "or `revoke` asks for that with --continue"});
  }
}

void judge_sealed(const MadeChannel& channel, base::Time wall, std::vector<Finding>& findings) {
  const auto subject = fmt::format("bundle '{}' {}", channel.name, channel.sealed);
  for (const auto& [role, expires] : channel.expiries) {
    const std::string_view remedy = role == "timestamp"
                                        ? "the next bundle renews it, or `airlock bundle ship BUNDLE --metadata`"
                                        : "the next bundle renews it";
    if (expires <= wall) {
      findings.push_back({Severity::error, ErrorCode::expired, subject,
                          fmt::format("its {} expired on {}, so no site takes it any more; {}", role,
                                      base::to_rfc3339(expires), remedy)});
    } else if (expires - wall < k_warn_before) {
      findings.push_back({Severity::warning, ErrorCode::expired, subject,
                          fmt::format("its {} expires in {} days; {}", role, days_left(expires, wall), remedy)});
    }
  }
}

void judge_draft(const DraftStatus& draft, const MadeChannel& channel, base::Time wall,
                 std::vector<Finding>& findings) {
  const auto subject = fmt::format("bundle '{}' {}", channel.name, draft.serial);
  const auto bundle = draft.bundle.empty() ? "BUNDLE" : base::printable(draft.bundle.string());
  if (draft.expires <= wall) {
    findings.push_back({Severity::warning, ErrorCode::expired, subject,
                        fmt::format("it was never sealed, and its snapshot expired on {}: make the next one",
                                    base::to_rfc3339(draft.expires))});
  } else if (draft.approvals < draft.threshold) {
    findings.push_back({Severity::note, ErrorCode::approval_missing, subject,
                        fmt::format("it is a draft: {} of {} people have approved it; airlock bundle sign {}",
                                    draft.approvals, draft.threshold, bundle)});
  } else {
    findings.push_back({Severity::note, ErrorCode::approval_missing, subject,
                        fmt::format("it is approved and not sealed; airlock bundle seal {}", bundle)});
  }
}

void judge_interrupted(const InterruptedRun& run, const MadeChannel& channel, std::vector<Finding>& findings) {
  const bool restarts = run.what != InterruptedRun::What::revoke;
  findings.push_back({Severity::warning, ErrorCode::interrupted,
                      fmt::format("bundle '{}' {}", channel.name, run.serial),
                      fmt::format("`airlock bundle {}` into {} was interrupted; the same command continues it{}",
                                  to_string(run.what), base::printable(run.head.parent_path().string()),
                                  restarts ? ", with --restart it begins anew" : "")});
}

// What cannot be read is told, and keeps nothing else from being told.
template <typename Look>
void look_at_part(std::string_view subject, std::vector<Finding>& findings, const Look& look_at) {
  try {
    look_at();
  } catch (const Error& error) {
    findings.push_back({Severity::warning, error.code(), std::string(subject),
                        fmt::format("it cannot be looked at: {}", error.message())});
  }
}

}  // namespace

NearStatus examine_near(const Home& home, base::Time wall, std::vector<Finding>& findings) {
  NearStatus near;
  look_at_part("keys", findings, [&] {
    if (has_keys(home)) {
      near.keys = keys_in_force(home);
      near.pending = near.keys->pending;
      judge_root(*near.keys, wall, findings);
      judge_missing_keys(*near.keys, findings);
    } else {
      near.pending = pending_root(home);
    }
    if (near.pending) {
      judge_pending(*near.pending, findings);
    }
  });
  for (const auto& name : written_channels(home)) {
    look_at_part(fmt::format("channel '{}'", name), findings, [&] {
      auto channel = look_at_channel(home, name);
      judge_restored(channel, findings);
      judge_sealed(channel, wall, findings);
      for (const auto& draft : channel.drafts) {
        judge_draft(draft, channel, wall, findings);
      }
      for (const auto& run : channel.interrupted) {
        judge_interrupted(run, channel, findings);
      }
      if (channel.serial > 0 || !channel.interrupted.empty()) {
        near.channels.push_back(std::move(channel));
      }
    });
  }
  return near;
}

}  // namespace airlock::workflow
