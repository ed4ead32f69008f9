#include "workflow/needed_blobs.hpp"

#include <set>

#include "model/item.hpp"

namespace airlock::workflow {

std::vector<std::pair<std::string, base::Digest>> blocked_blobs(const store::StateDb& state) {
  std::vector<std::pair<std::string, base::Digest>> found;
  std::vector<model::Item> items;
  for (const auto& block : state.blocks()) {
    items.push_back(model::Item::parse(block.item));
    if (const auto& digest = items.back().digest(); digest && digest->algorithm() == base::HashAlgorithm::sha256) {
      found.emplace_back(block.item, *digest);
    }
  }
  if (items.empty()) {
    return found;
  }
  state.for_each_alias([&](const base::Digest& other, const base::Digest& sha256) {
    for (const auto& item : items) {
      if (item.digest() == other) {
        found.emplace_back(item.text(), sha256);
      }
    }
  });
  for (const auto& generation : state.generations()) {
    state.for_each_row(generation.id, [&](const model::FileRow& row) {
      for (const auto& item : items) {
        if (row.sha256 && item.matches(row)) {
          found.emplace_back(item.text(), *row.sha256);
        }
      }
    });
  }
  return found;
}

DigestSet needed_digests(const store::StateDb& state, const std::vector<std::uint64_t>& dropped) {
  DigestSet needed;
  state.for_each_kept_blob([&needed](const base::Digest& digest) { needed.add(digest); });
  for (const auto& [item, digest] : blocked_blobs(state)) {
    needed.add(digest);
  }
  std::set<store::ChannelKey> recorded;
  for (const auto& generation : state.generations()) {  // newest first
    if (std::find(dropped.begin(), dropped.end(), generation.id) != dropped.end()) {
      continue;
    }
    if (state.out_of_service(generation.channel)) {
      if (recorded.insert(generation.channel).second) {
        needed.add(base::Digest::parse_sha256_hex(generation.head_digest));
      }
      continue;
    }
    state.for_each_row(generation.id, [&needed](const model::FileRow& row) {
      if (row.sha256 && row.kind != model::Kind::withheld && row.kind != model::Kind::known) {
        needed.add(*row.sha256);
      }
    });
  }
  needed.finish();
  return needed;
}

}  // namespace airlock::workflow
