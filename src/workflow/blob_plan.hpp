// Which blobs a bundle holds, and in which order: that of the rows of its lock (docs/formats/bundle.md, Blobs and
// volumes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/digest.hpp"
#include "bundle/volume_writer.hpp"
#include "model/lock.hpp"

namespace airlock::workflow {

struct PlannedBlob {
  std::size_t row = 0;  // of the lock: the first that names it
  std::optional<base::Digest> sha256;
  std::optional<std::uint64_t> length;  // bytes
};

struct BlobPlan {
  std::vector<PlannedBlob> blobs;  // to be written, in order, each once
  std::uint64_t bytes = 0;         // of those whose length is known
  std::uint64_t unknown_lengths = 0;
  std::uint64_t omitted_blobs = 0;    // of the state, left out
  std::vector<base::Digest> omitted;  // sorted
};

// True for rows that have a blob (all but those that only say that something exists).
bool has_blob(const model::FileRow& row);

// `held` (sorted) is left out. Blobs whose digest is not known yet are planned for each row of theirs.
BlobPlan make_blob_plan(const model::Lock& lock, const std::vector<base::Digest>& held);

// The blobs of the plan, from the first, as far as digest and length are known.
std::vector<bundle::WrittenBlob> known_prefix(const BlobPlan& plan);
std::vector<std::uint64_t> lengths_of(const BlobPlan& plan);  // unknown ones are left out

// What a whole state comes to; for a lock that is complete.
struct StateTotals {
  std::uint64_t artifacts = 0, blobs = 0, bytes = 0, unverified = 0;
};
StateTotals totals_of(const model::Lock& lock);

// Every row with a known digest gets the length that another row of the same blob has.
void share_lengths(model::Lock& lock);

// Whether two states hold the same bytes under the same paths (the layout's own entries aside).
bool same_content(const std::vector<model::FileRow>& before, const std::vector<model::FileRow>& after);

}  // namespace airlock::workflow
