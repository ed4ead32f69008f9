#include "workflow/blob_plan.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace airlock::workflow {

using base::Digest;
using model::FileRow;
using model::Kind;

bool has_blob(const FileRow& row) {
  return row.kind != Kind::known;
}

BlobPlan make_blob_plan(const model::Lock& lock, const std::vector<Digest>& held) {
  BlobPlan plan;
  std::unordered_map<Digest, std::size_t> places;  // in plan.blobs
  std::set<Digest> omitted;
  for (std::size_t i = 0; i < lock.rows.size(); ++i) {
    const FileRow& row = lock.rows[i];
    if (!has_blob(row)) {
      continue;
    }
    if (row.sha256) {
      if (std::ranges::binary_search(held, *row.sha256)) {
        omitted.insert(*row.sha256);
        continue;
      }
      const auto [place, is_new] = places.emplace(*row.sha256, plan.blobs.size());
      if (!is_new) {
        PlannedBlob& blob = plan.blobs[place->second];
        blob.length = blob.length ? blob.length : row.length;
        continue;
      }
    }
    plan.blobs.push_back({.row = i, .sha256 = row.sha256, .length = row.length});
  }
  for (const PlannedBlob& blob : plan.blobs) {
    plan.bytes += blob.length.value_or(0);
    plan.unknown_lengths += blob.length ? 0U : 1U;
  }
  plan.omitted.assign(omitted.begin(), omitted.end());
  plan.omitted_blobs = plan.omitted.size();
  return plan;
}

std::vector<bundle::WrittenBlob> known_prefix(const BlobPlan& plan) {
  std::vector<bundle::WrittenBlob> blobs;
  for (const PlannedBlob& blob : plan.blobs) {
    if (!blob.sha256 || !blob.length) {
      break;
    }
    blobs.push_back({.sha256 = *blob.sha256, .length = *blob.length});
  }
  return blobs;
}

std::vector<std::uint64_t> lengths_of(const BlobPlan& plan) {
  std::vector<std::uint64_t> lengths;
  for (const PlannedBlob& blob : plan.blobs) {
    if (blob.length) {
      lengths.push_back(*blob.length);
    }
  }
  return lengths;
}

StateTotals totals_of(const model::Lock& lock) {
  StateTotals totals;
  std::unordered_set<std::string_view> artifacts;
  std::unordered_set<Digest> blobs;
  for (const FileRow& row : lock.rows) {
    if (row.kind != Kind::layout) {
      artifacts.insert(row.artifact);
    }
    if (row.kind == Kind::file && row.verified == model::Verified::none) {
      ++totals.unverified;
    }
    if (has_blob(row) && row.sha256 && blobs.insert(*row.sha256).second) {
      totals.bytes += row.length.value_or(0);
    }
  }
  totals.artifacts = artifacts.size();
  totals.blobs = blobs.size();
  return totals;
}

void share_lengths(model::Lock& lock) {
  std::unordered_map<Digest, std::uint64_t> lengths;
  for (const FileRow& row : lock.rows) {
    if (row.sha256 && row.length) {
      lengths.emplace(*row.sha256, *row.length);
    }
  }
  for (FileRow& row : lock.rows) {
    if (row.sha256 && !row.length) {
      if (const auto found = lengths.find(*row.sha256); found != lengths.end()) {
        row.length = found->second;
      }
    }
  }
}

bool same_content(const std::vector<FileRow>& before, const std::vector<FileRow>& after) {
  const auto contents = [](const std::vector<FileRow>& rows) {
    std::map<std::pair<std::string_view, std::string_view>, std::optional<Digest>> result;
    for (const FileRow& row : rows) {
      if (row.kind != Kind::layout) {
        result.emplace(std::pair<std::string_view, std::string_view>(row.ecosystem, row.path), row.sha256);
      }
    }
    return result;
  };
  return contents(before) == contents(after);
}

}  // namespace airlock::workflow
