#include "workflow/import_plan.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::workflow {

namespace {

constexpr std::uint64_t k_margin = 16u << 20;       // bytes: the head, receipts, journals
constexpr std::uint64_t k_bytes_per_row = 3 * 400;  // bytes: state, its journal and the catalog

enum class Fate : std::uint8_t { present, left, take, staged, absent };

// Finds a blob of the state by digest without a second copy of every digest.
class BlobIndex {
 public:
  explicit BlobIndex(const std::vector<StateBlob>& blobs) : m_blobs(&blobs), m_order(blobs.size()) {
    std::iota(m_order.begin(), m_order.end(), std::size_t{0});
    std::sort(m_order.begin(), m_order.end(),
              [&blobs](std::size_t a, std::size_t b) { return blobs[a].sha256 < blobs[b].sha256; });
  }
  std::optional<std::size_t> find(const base::Digest& sha256) const {
    const auto place =
        std::lower_bound(m_order.begin(), m_order.end(), sha256,
                         [this](std::size_t i, const auto& digest) { return (*m_blobs)[i].sha256 < digest; });
    if (place == m_order.end() || (*m_blobs)[*place].sha256 != sha256) {
      return std::nullopt;
    }
    return *place;
  }

 private:
  const std::vector<StateBlob>* m_blobs;
  std::vector<std::size_t> m_order;
};

}  // namespace

ImportPlan plan_import(const bundle::VerifiedBundle& verified, const std::vector<bundle::BlobMap>& maps,
                       const store::StateDb& state, const store::BlobStore& blobs, const std::set<base::Digest>& left) {
  const auto& all = verified.blobs();
  std::vector<Fate> fates(all.size(), Fate::absent);
  ImportPlan plan;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& blob = all[i];
    if (left.contains(blob.sha256)) {
      fates[i] = Fate::left;
    } else if (blobs.file_exists(blob.sha256, blob.length)) {
      // A row without its file would be served as nothing, so both are asked.
      const bool has_row = state.has_blob(blob.sha256);
      fates[i] = has_row ? Fate::present : Fate::staged;
      plan.present += has_row ? 1u : 0u;
    }
  }
  const auto lacking = static_cast<std::size_t>(std::ranges::count(fates, Fate::absent));
  plan.take.reserve(lacking);
  plan.wanted.reserve(lacking + static_cast<std::size_t>(std::ranges::count(fates, Fate::staged)));
  // In the order of the medium, so that it is read forwards and once.
  const BlobIndex index(all);
  for (const bundle::BlobMap& map : maps) {
    map.for_each([&](const base::Digest& sha256, const bundle::BlobLocation&) {
      if (const auto found = index.find(sha256); found && fates[*found] == Fate::absent) {
        fates[*found] = Fate::take;
        plan.take.push_back(all[*found]);
        plan.take_bytes += all[*found].length;
      }
    });
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (fates[i] == Fate::staged) {
      plan.staged.push_back(all[i]);
    } else if (fates[i] == Fate::absent) {
      plan.absent.push_back(all[i]);
      plan.absent_bytes += all[i].length;
    }
    if (fates[i] != Fate::present && fates[i] != Fate::left) {
      plan.wanted.push_back(all[i]);
    }
  }
  return plan;
}

LocateTaken locate_in(const std::vector<bundle::BlobMap>& maps) {
  return [&maps](const StateBlob& blob) {
    for (const bundle::BlobMap& map : maps) {
      if (auto location = map.find(blob.sha256)) {
        return std::move(*location);
      }
    }
    throw base::Error(base::ErrorCode::internal, fmt::format("{} has no place any more", blob.sha256.to_string()));
  };
}

std::uint64_t promised_and_missing(const bundle::VerifiedBundle& verified, const bundle::BlobMap& map) {
  const auto& all = verified.blobs();
  const auto not_on_medium = static_cast<std::uint64_t>(
      std::count_if(all.begin(), all.end(), [&map](const StateBlob& blob) { return !map.find(blob.sha256); }));
  const auto omitted = verified.shipment().omitted_blobs;
  return not_on_medium > omitted ? not_on_medium - omitted : 0;
}

void require_home_space(const std::filesystem::path& home, std::uint64_t bytes, std::uint64_t rows) {
  const auto needed = bytes + k_margin + rows * k_bytes_per_row;
  const auto free = base::space_info(home).free_bytes;
  if (needed > free) {
    throw base::Error(base::ErrorCode::no_space, fmt::format("{} has {} free, the import needs {}", home.string(),
                                                             base::format_bytes(free), base::format_bytes(needed)))
        .with_hint("nothing was written; free space, for example with `airlock store sweep`, and run the same command "
                   "again");
  }
}

}  // namespace airlock::workflow
