// Where what was added to a draft goes: into the head, or beside it. For approve.cpp only.
#pragma once

#include <filesystem>
#include <optional>

#include "base/clock.hpp"
#include "base/reporter.hpp"
#include "bundle/approval.hpp"
#include "workflow/approve.hpp"
#include "workflow/draft.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// Into the head, or beside it; returns the file that changed. `seal` is that of `draft.contents`, where there is one.
std::filesystem::path keep(const Home& home, const Draft& draft, const ApprovalOutput& output,
                           const std::optional<bundle::Approval::Seal>& seal, base::Time now, base::Reporter& reporter);

// The file of approvals that a head does not hold.
std::filesystem::path approval_file(const Draft& draft, const ApprovalOutput& output);

// Writes `approval`; with what an earlier file of that name holds of the same bundle, unless it is to stand alone.
void write_approvals(const std::filesystem::path& path, bundle::Approval approval, const Draft& draft,
                     ApprovalOutput::Form form);

// What lies beside a bundle says how far it is approved: the transfer form, and the checksums of everything. Also for a
// head whose change was the last that an interrupted run came to.
void refresh_set(const std::filesystem::path& head, const Home& home, base::Time now, base::Reporter& reporter);

}  // namespace airlock::workflow
