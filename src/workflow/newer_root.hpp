// A draft that was made under an older root than the one in force. People sign its snapshot, and the chain of roots
// stands beside that: so newer roots are put into the head, as long as what was signed holds under the newest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "bundle/approval.hpp"
#include "bundle/head.hpp"
#include "trust/metadata.hpp"
#include "workflow/draft.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// The newest root in `head` where `chain`, oldest first, goes further; nullopt: the head has them all.
std::optional<trust::Root> older_root(const bundle::Head& head, const std::vector<std::string>& chain);

// Whether a head's own file takes what is added to it. Beside one that is closed only approvals and a seal can lie.
enum class HeadFile { open, closed };
// open_draft under the newest root of `chain`; into an open head come the roots that it lacks. Throws what that throws,
// and conflict for a draft that held under its own root and does not under the newest.
Draft open_under_newest(const bundle::Head& head, bundle::ApprovalPlaces places, const std::vector<std::string>& chain,
                        HeadFile file, base::Time now);

// Takes out of `approval` the signatures by keys that may approve no more, where all of it held under `before`: those
// people did what they should, so that it is no alarm. Returns how many.
std::size_t leave_out_replaced(bundle::Approval& approval, const Draft& draft, const trust::Root& before);

// The newest root of `chain` under which enough people approved `draft`, some of them with keys that may approve no
// more. nullopt: there is none.
std::optional<trust::Root> root_of_replaced_approvals(const Draft& draft, const std::vector<std::string>& chain);

// Why `draft`, approved under `before`, lacks approvals under the newest root: who approved it then was enough, and is
// not now (approval_missing); or its closed head would need keys that only the newest root lists, which it cannot take
// (conflict). nullopt: neither.
std::optional<base::Error> approvals_outdated(const Draft& draft, const trust::Root& before, HeadFile file);

// For whoever is to approve a draft whose open head has just got the newest root: a copy from before has it not.
// nullopt: all who are missing were listed in `before` as well, so that such a copy will do.
std::optional<std::string> hint_to_carry_again(const Draft& draft, const trust::Root& before);
// For whoever seals a closed head that would have to be changed.
std::string hint_to_seal_on_disk(const bundle::Head& head);

// Proves what was sealed as a site will that pins this home's first root, before anybody is told that it is sealed.
// Throws conflict where only the newer roots are lacking that a closed head cannot take; else what a site would say.
void require_good_for_sites(const Draft& draft, HeadFile file, const Home& home);

// What to say of a draft while a root is pending that takes away a key on which the draft counts: one of targets, or of
// an approver. nullopt: nothing.
std::optional<std::string> pending_root_warning(const Home& home);

}  // namespace airlock::workflow
