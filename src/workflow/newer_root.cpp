#include "workflow/newer_root.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "bundle/draft_proof.hpp"
#include "workflow/base_state.hpp"
#include "workflow/key_store.hpp"
#include "workflow/keys.hpp"
#include "workflow/pending_root.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

bool may_approve(const trust::Root& root, const std::string& keyid) {
  const auto& keyids = root.roles.at("snapshot").keyids;
  return std::ranges::find(keyids, keyid) != keyids.end();
}

// Whether the draft held under the root that it was made under.
bool held_before(const bundle::Head& head, const std::string& root, base::Time now) {
  try {
    static_cast<void>(open_draft(head.file(), {}, root, now));
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;
    }
    return false;
  }
}

// As `import` composes it: an open head with everything in it, or a closed one with the seal that lies beside it.
bundle::Head sealed_head(const Draft& draft, HeadFile file) {
  if (file == HeadFile::open) {
    return draft.head.with(draft.contents.metadata, draft.contents.shipment);
  }
  return draft.head.with({{draft.snapshot.name, draft.snapshot.file.bytes},
                          {"timestamp.json", draft.contents.metadata.at("timestamp.json")}},
                         draft.contents.shipment);
}

// Whether those whom both roots list can be enough, as sites ask it that know the one or the other.
bool both_roots_suffice(const Draft& draft, const trust::Root& before) {
  const auto then = bundle::count_approvals(draft.snapshot.file, before);
  const auto now = draft.count();
  const auto to_come = static_cast<std::size_t>(
      std::ranges::count_if(now.missing, [&before](const std::string& keyid) { return may_approve(before, keyid); }));
  return now.approved.size() + to_come >= now.threshold && then.approved.size() + to_come >= then.threshold;
}

// Whether the keys of timestamp that both roots list can seal it for a site that knows `before` only.
bool both_roots_can_seal(const Draft& draft, const trust::Root& before) {
  const trust::RoleKeys& then = before.roles.at("timestamp");
  const auto& now = draft.root().roles.at("timestamp").keyids;
  const auto both = std::ranges::count_if(
      then.keyids, [&now](const std::string& keyid) { return std::ranges::find(now, keyid) != now.end(); });
  return static_cast<std::uint64_t>(both) >= then.threshold;
}

Error cannot_take_roots(const Draft& draft, const trust::Root& before) {
  return Error(ErrorCode::conflict,
               fmt::format("{} holds the roots up to version {}, and needs those up to version {}, which is in force; "
                           "its own file cannot take them, since it cannot be written or -o was given",
                           draft.head.file().string(), before.version, draft.root().version))
      .with_hint(hint_to_seal_on_disk(draft.head));
}

}  // namespace

std::optional<trust::Root> older_root(const bundle::Head& head, const std::vector<std::string>& chain) {
  std::optional<std::string> newest;
  std::uint64_t version = 0;
  for (; auto bytes = head.metadata(trust::metadata_file_name("root", version + 1)); ++version) {
    newest = std::move(*bytes);
  }
  if (!newest || chain.empty() || version >= parse_own_root(chain.back()).version) {
    return std::nullopt;
  }
  return trust::parse_root(trust::parse_signed(std::move(*newest), "root", trust::k_root_limit));
}

Draft open_under_newest(const bundle::Head& head, bundle::ApprovalPlaces places, const std::vector<std::string>& chain,
                        HeadFile file, base::Time now) {
  try {
    return open_draft(head.file(), std::move(places), chain.back(), now,
                      file == HeadFile::open ? chain : std::vector<std::string>());
  } catch (const Error& error) {
    const auto before = error.code() == ErrorCode::untrusted ? older_root(head, chain) : std::nullopt;
    if (!before || before->version > chain.size() || !held_before(head, chain[before->version - 1], now)) {
      throw;
    }
    throw Error(ErrorCode::conflict,
                fmt::format("{} was made under root version {}, and root version {} is in force, under which it does "
                            "not hold: {}",
                            head.file().string(), before->version, parse_own_root(chain.back()).version,
                            error.message()))
        .with_hint("make the bundle again with `airlock bundle create`, and have that one approved");
  }
}

std::size_t leave_out_replaced(bundle::Approval& approval, const Draft& draft, const trust::Root& before) {
  try {
    bundle::HeadSnapshot trial = draft.snapshot;
    bundle::merge_approval(trial, approval, before);
  } catch (const Error&) {
    return 0;  // whoever takes it says why it is refused
  }
  return std::erase_if(approval.signatures, [&](const bundle::Approval::Signed& signature) {
    return !may_approve(draft.root(), signature.keyid);
  });
}

std::optional<std::string> hint_to_carry_again(const Draft& draft, const trust::Root& before) {
  const auto missing = draft.count().missing;
  if (std::ranges::all_of(missing, [&before](const std::string& keyid) { return may_approve(before, keyid); })) {
    return std::nullopt;
  }
  return fmt::format("{} has root version {} now, and copies of it from before have not: carry it to whoever signs "
                     "again, let one of those run `airlock bundle sign` on it, then seal it; or make the bundle again",
                     draft.head.file().filename().string(), draft.root().version);
}

std::string hint_to_seal_on_disk(const bundle::Head& head) {
  return fmt::format("where {0} lies on a disk, leave out -o; else copy it and its volumes to one, run `chmod u+w {0}` "
                     "and `airlock bundle seal {0}` there, with the files of approvals that there are, and write the "
                     "medium again from it",
                     head.file().filename().string());
}

std::optional<trust::Root> root_of_replaced_approvals(const Draft& draft, const std::vector<std::string>& chain) {
  for (auto bytes = chain.rbegin(); bytes != chain.rend(); ++bytes) {
    trust::Root root = parse_own_root(*bytes);
    const auto then = bundle::count_approvals(draft.snapshot.file, root);
    const bool all_stay = std::ranges::all_of(
        then.approved, [&draft](const std::string& keyid) { return may_approve(draft.root(), keyid); });
    if (then.complete() && !all_stay) {
      return root;
    }
  }
  return std::nullopt;
}

std::optional<Error> approvals_outdated(const Draft& draft, const trust::Root& before, HeadFile file) {
  if (file == HeadFile::closed && (!both_roots_suffice(draft, before) || !both_roots_can_seal(draft, before))) {
    return cannot_take_roots(draft, before);
  }
  const auto then = bundle::count_approvals(draft.snapshot.file, before);
  const auto count = draft.count();
  if (!then.complete() || count.complete()) {
    return std::nullopt;
  }
  return Error(ErrorCode::approval_missing,
               fmt::format("{} was approved by {} of {} people under root version {}; root version {} is in force, and "
                           "under that it is {} of {}; not yet: {}",
                           draft.head.file().string(), then.approved.size(), then.threshold, before.version,
                           draft.root().version, count.approved.size(), count.threshold, shown_keyids(count.missing)))
      .with_hint("let one of those run `airlock bundle sign`, then seal it; or make the bundle again");
}

void require_good_for_sites(const Draft& draft, HeadFile file, const Home& home) {
  try {
    base::with_context([] { return "proving what was sealed, as a site will"; },
                       [&] { static_cast<void>(verify_own_head(sealed_head(draft, file), home)); });
  } catch (const Error& error) {
    const auto before = older_root(draft.head, read_own_roots(home));
    const bool closed_out = file == HeadFile::closed && before && error.code() == ErrorCode::untrusted;
    if (!closed_out) {
      throw;
    }
    throw cannot_take_roots(draft, *before);
  }
}

std::optional<std::string> pending_root_warning(const Home& home) {
  const auto newest = newest_own_root(home);
  const auto pending = newest ? read_pending_root(home) : std::nullopt;
  if (!pending) {
    return std::nullopt;
  }
  std::vector<std::string> leaving;
  for (const std::string role : {"snapshot", "targets"}) {
    const auto& stay = pending->root.roles.at(role).keyids;
    for (const std::string& keyid : newest->roles.at(role).keyids) {
      if (std::ranges::find(stay, keyid) == stay.end()) {
        leaving.push_back(fmt::format("{} of role {}", keyid.substr(0, k_keyid_shown), role));
      }
    }
  }
  if (leaving.empty()) {
    return std::nullopt;
  }
  return fmt::format("root version {} is pending, and takes away the key {}: once it is complete, what that key signed "
                     "counts no more; seal drafts before, or make them after it",
                     pending->root.version, base::join(leaving, ", "));
}

}  // namespace airlock::workflow
