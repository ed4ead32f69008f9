// A bundle's head with the approvals that came after it was closed, for every command that reads bundles.
#pragma once

#include <filesystem>
#include <vector>

#include "base/error.hpp"
#include "bundle/approval.hpp"
#include "workflow/bundle_files.hpp"

namespace airlock::workflow {

struct ApprovedHead {
  bundle::Head head;
  std::vector<base::Finding> findings;  // approvals that belong to other bundles, or that do not hold

  // Of a head that was refused as a draft: what an approval beside it is refused for, where security has to hear of
  // that, else the same error.
  base::Error explain(const base::Error& refusal) const;
};

// Reads the head and looks for its approvals beside it, in the folders and among the files of `files`.
ApprovedHead read_approved_head(const std::filesystem::path& path, const BundleFiles& files = {});

}  // namespace airlock::workflow
