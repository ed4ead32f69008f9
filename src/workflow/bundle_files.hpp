// Which bundles a user means by the paths on the command line: bundles, heads, volumes, folders
// (docs/operations/verify-and-import.md, Volumes).
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "bundle/approval.hpp"
#include "bundle/blob_map.hpp"
#include "bundle/head.hpp"

namespace airlock::workflow {

struct BundleFiles {
  std::vector<bundle::HeadCandidate> heads;    // by channel, serial and shipment, as their hints say
  std::vector<std::filesystem::path> folders;  // where their volumes and approvals may lie, apart from beside the head
  std::vector<std::filesystem::path> approvals = {};      // files of approvals that were named
  std::shared_ptr<bundle::ApprovalListing> listing = {};  // what lies in folders, for one run; null: looked at anew
};

// Folders count with all heads in them; a volume stands for its head, looked for beside it and in `volume_folders`.
// Throws not_found, limit (too many files, or copies of one head), and volume_missing where there are volumes but no
// head. A folder that holds nothing but approvals counts as one where they may lie.
BundleFiles find_bundles(const std::vector<std::filesystem::path>& arguments,
                         const std::vector<std::filesystem::path>& volume_folders);

// The numbers, from 1, of the signed volumes that no file at hand claims to be. By hint, so for messages only: whether
// a blob is there is decided by the blob.
std::vector<std::uint64_t> volumes_not_at_hand(const bundle::Shipment& shipment, const bundle::BlobMap& map);
// "volume 2 of 5", "volumes 2, 3 and 4 of 5".
std::string name_volumes(const std::vector<std::uint64_t>& numbers, std::size_t total);

}  // namespace airlock::workflow
