// The first half of verify_bundle: who signed it, and when it ends.
#include <map>

#include <fmt/format.h>

#include "base/error.hpp"
#include "bundle/state_store.hpp"
#include "ecosystem/ecosystem.hpp"
#include "workflow/reference_time.hpp"
#include "workflow/replaced_keys.hpp"
#include "workflow/serial_check.hpp"
#include "workflow/verify_parts.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using base::Severity;

base::Time time_to_use(const store::StateDb* state, const Now& now, const bundle::Policy& policy, Findings findings) {
  TimeMarks marks{.floor = {}, .last_wall = {}, .built = now.built};
  if (state != nullptr) {
    marks.floor = state->time_floor();
    marks.last_wall = state->last_wall();
  }
  try {
    return reference_time(now.wall, marks, policy.clock_tolerance);
  } catch (const Error& error) {
    findings.add(error, "clock");
    return std::max({now.wall, marks.floor.value_or(now.wall), marks.built.value_or(now.wall)});
  }
}

}  // namespace

std::optional<bundle::VerifiedBundle> verify_signatures(const ApprovedHead& opened, const PinnedRoot& root,
                                                        const bundle::Policy& policy, const store::StateDb* state,
                                                        const Now& now, Findings findings) {
  const bundle::Head& head = opened.head;
  const auto subject = head.file().filename().string();
  bundle::VerifyOptions options;
  options.pinned_root = root.bytes;
  options.producer = root.producer();
  options.policy = policy;
  options.belongs = ecosystem::belongs;
  options.wall = now.wall;
  options.now = time_to_use(state, now, policy, findings);
  bool with_state = state != nullptr;
  bool expiry_accepted = false;
  while (true) {
    try {
      if (with_state) {
        // The channel is the head's own word here; verify_head compares it with every signed role.
        const store::ChannelKey key{root.producer(), head.hint().channel};
        bundle::ReadOnlyStateStore known(*state, key);
        auto verified = bundle::verify_head(head, known, options);
        check_serial(verified, *state, key, policy.trust);
        return verified;
      }
      bundle::EmptyStateStore nothing;
      auto verified = bundle::verify_head(head, nothing, options);
      if (state == nullptr) {
        check_first_serial(verified, policy.trust);
      }
      return verified;
    } catch (const Error& refusal) {
      const store::ChannelKey key{root.producer(), head.hint().channel};
      const auto older = with_state && refusal.code() == ErrorCode::untrusted
                             ? older_than_keys(head, root, *state, key, refusal)
                             : std::nullopt;
      Error error = older ? *older : opened.explain(refusal);
      const auto here =
          with_state && error.code() == ErrorCode::rollback ? taken_in_as(head, *state, key) : std::nullopt;
      if (with_state) {
        explain_older_versions(error, here ? here->serial : head.hint().serial, *state, key);
      }
      if (here && here->serial >= state->last_serial(key).value_or(0)) {
        findings.add(
            Severity::note, error.code(), subject,
            fmt::format("its state is here already as generation {}; nothing to do ({})", here->id, error.message()));
      } else {
        findings.add(error, subject);
      }
      if (older) {
        return std::nullopt;  // under the keys of today nothing of it can be looked at
      }
      if (error.code() == ErrorCode::expired && !expiry_accepted) {
        // Also for the roles of the ecosystems: all of it is examined, and the finding stands.
        expiry_accepted = true;
        for (const auto* role : {"timestamp", "snapshot", "targets"}) {
          options.expiry[role] = trust::Expiry::accept;
        }
        continue;
      }
      if (error.code() == ErrorCode::rollback && with_state) {
        with_state = false;
        continue;
      }
      return std::nullopt;
    }
  }
}

}  // namespace airlock::workflow
