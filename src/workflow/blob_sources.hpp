// Where the bytes of each planned blob come from (docs/operations/sites.md, Who has what).
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/digest.hpp"
#include "ecosystem/ecosystem.hpp"
#include "model/file_row.hpp"
#include "workflow/changed_upstream.hpp"
#include "workflow/prefetch.hpp"
#include "workflow/reuse.hpp"
#include "workflow/upstreams.hpp"

namespace airlock::workflow {

// Thread-safe once made.
class BlobSources {
 public:
  BlobSources(Upstreams& upstreams, const LocalBlobs& local, DigestsFrom digests)
      : m_upstreams(upstreams), m_local(local), m_digests(digests) {}

  void add_contents(std::map<base::Digest, std::string> contents);
  void use(Prefetch& prefetch) { m_prefetch = &prefetch; }

  // Content at hand, a local copy, what was fetched ahead, upstream: the first of these that there is.
  std::shared_ptr<ecosystem::Fetchable> open(const model::FileRow& row);
  std::shared_ptr<ecosystem::Fetchable> upstream(const model::FileRow& row);
  // Whether the network is not needed for it.
  bool is_here(const model::FileRow& row) const;

  std::uint64_t bytes_reused() const { return m_reused; }  // read from local copies

 private:
  class CountingFetchable;
  Upstreams& m_upstreams;
  const LocalBlobs& m_local;
  const DigestsFrom m_digests;
  Prefetch* m_prefetch = nullptr;
  std::map<base::Digest, std::string> m_contents;
  std::atomic<std::uint64_t> m_reused = 0;
};

}  // namespace airlock::workflow
