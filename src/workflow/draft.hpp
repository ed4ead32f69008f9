// A head that is worked on after it was written. For approve.cpp only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "bundle/head.hpp"
#include "trust/metadata.hpp"

namespace airlock::workflow {

struct Draft {
  bundle::Head head;
  bundle::HeadContents contents;
  trust::Root root;           // the newest of this home
  std::string snapshot_name;  // "7.snapshot.json"
  trust::SignedFile snapshot;
};

// Proves that everything below the snapshot belongs together: each role that it lists is there with that hash, and is
// signed by those whom `roots` and targets name; every target is there with its hash. Throws untrusted, tampered,
// conflict for a sealed one.
Draft open_draft(const std::filesystem::path& path, const std::vector<std::string>& roots);

// Puts `contents` in the place of the draft's head: into its room where blobs follow, else as a whole file. Throws
// limit when they do not fit.
void store_head(const Draft& draft);

}  // namespace airlock::workflow
