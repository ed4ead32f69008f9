#include "workflow/made_channels.hpp"

#include <algorithm>
#include <utility>

#include "base/lock_holder.hpp"
#include "bundle/approval.hpp"
#include "bundle/draft_proof.hpp"
#include "trust/metadata.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/run_journal.hpp"

namespace airlock::workflow {

namespace {

DraftStatus look_at_draft(const bundle::Head& head, const std::vector<WrittenBundle>& bundles) {
  const auto count = bundle::count_approvals(head);
  DraftStatus draft{.serial = head.hint().serial,
                    .approvals = count.approved.size(),
                    .threshold = count.threshold,
                    .missing = count.missing,
                    .expires = bundle::snapshot_of(head).value.expires,
                    .bundle = {}};
  if (const auto written = std::ranges::find(bundles, draft.serial, &WrittenBundle::serial); written != bundles.end()) {
    draft.bundle = written->head;
  }
  return draft;
}

std::map<std::string, base::Time> expiries_of_sending(const ChannelState& channel, const bundle::Head& sealed) {
  auto contents = sealed.contents();
  // Each sending after the first has a timestamp of its own, which its head alone does not know.
  const auto sending = channel.last_sending(bundle_id_of(contents));
  if (sending && !sending->timestamp.empty()) {
    contents.metadata["timestamp.json"] = sending->timestamp;
  }
  return expiries_of(contents);
}

// A run that another state has overtaken begins anew, whatever it left.
bool can_continue(const RunPlan& plan, InterruptedRun::What what, const std::vector<bundle::Head>& heads) {
  if (what == InterruptedRun::What::ship || heads.empty()) {
    return true;
  }
  const auto& newest = heads.front();
  return plan.serial > newest.hint().serial || plan.bundle_id == bundle_id_of(newest.contents());
}

std::vector<InterruptedRun> interrupted_runs(const ChannelState& channel, const std::vector<bundle::Head>& heads) {
  using What = InterruptedRun::What;
  std::vector<InterruptedRun> runs;
  for (const auto& [what, folder] : {std::pair(What::create, channel.run_folder()),
                                     {What::ship, channel.folder() / "ship"},
                                     {What::revoke, channel.folder() / "revoke"}}) {
    const auto plan = RunJournal(folder).plan();
    if (plan && can_continue(*plan, what, heads)) {
      runs.push_back({.what = what, .serial = plan->serial, .head = plan->head});
    }
  }
  return runs;
}

}  // namespace

std::string_view to_string(InterruptedRun::What what) {
  switch (what) {
  case InterruptedRun::What::create:
    return "create";
  case InterruptedRun::What::ship:
    return "ship";
  case InterruptedRun::What::revoke:
    return "revoke";
  }
  return "";
}

std::filesystem::path making_lock(const Home& home, std::string_view channel) {
  return ChannelState(home, channel).lock_file();
}

MadeChannel look_at_channel(const Home& home, const std::string& name) {
  const ChannelState channel(home, name);
  const auto heads = channel.statements();
  MadeChannel made{.name = name,
                   .serial = 0,
                   .sealed = 0,
                   .expiries = {},
                   .drafts = {},
                   .interrupted = {},
                   .waits_for_newest = false};
  if (!heads.empty()) {
    made.serial = heads.front().hint().serial;
  }
  const auto restored = channel.restored();
  made.waits_for_newest = restored && (!restored->floor || made.serial < *restored->floor);
  const auto bundles = channel.bundles();
  for (const auto& head : heads) {
    if (!head.shipment().empty()) {
      made.sealed = head.hint().serial;
      made.expiries = expiries_of_sending(channel, head);
      break;
    }
    made.drafts.push_back(look_at_draft(head, bundles));
  }
  if (!base::lock_holder(channel.lock_file())) {
    made.interrupted = interrupted_runs(channel, heads);
  }
  return made;
}

std::map<std::string, base::Time> expiries_of(const bundle::HeadContents& contents) {
  std::map<std::string, base::Time> expires;
  expires["snapshot"] = trust::parse_snapshot(newest_snapshot(contents).file).expires;
  for (const auto& [name, bytes] : contents.metadata) {
    if (name == "timestamp.json") {
      expires["timestamp"] = trust::parse_timestamp(trust::parse_signed(bytes, name, trust::k_timestamp_limit)).expires;
    } else if (name.ends_with(".targets.json")) {
      expires["targets"] = trust::parse_targets(trust::parse_signed(bytes, name, trust::k_metadata_ceiling)).expires;
    }
  }
  return expires;
}

}  // namespace airlock::workflow
