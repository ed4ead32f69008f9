// Which blobs a store needs: what a sweep leaves, and what a receipt may promise.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "store/state_db.hpp"

namespace airlock::workflow {

class DigestSet {  // sorted once, then asked: a million digests in one block of memory
 public:
  void add(const base::Digest& digest) { m_digests.push_back(digest); }
  void finish() {
    std::sort(m_digests.begin(), m_digests.end());
    m_digests.erase(std::unique(m_digests.begin(), m_digests.end()), m_digests.end());
  }
  bool contains(const base::Digest& digest) const {
    return std::binary_search(m_digests.begin(), m_digests.end(), digest);
  }

 private:
  std::vector<base::Digest> m_digests;
};

// What a block means, in all generations: it stays, as evidence and for whoever unblocks it, also when no kept
// generation needs it. Item and content.
std::vector<std::pair<std::string, base::Digest>> blocked_blobs(const store::StateDb& state);

// What the generations need that are not `dropped`, and what blocks keep. Of a channel out of service that is the head
// of the newest alone: what was taken in can be told from it, and its bundle brings the rest again.
DigestSet needed_digests(const store::StateDb& state, const std::vector<std::uint64_t>& dropped = {});

}  // namespace airlock::workflow
