// Bytes that need no network because this host has them: in bundles of this home that still lie where they were
// written, and in its store (docs/operations/sites.md, Who has what).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/digest.hpp"
#include "base/reporter.hpp"
#include "bundle/blob_map.hpp"
#include "ecosystem/ecosystem.hpp"
#include "store/blob_store.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// Thread-safe once made.
class LocalBlobs {
 public:
  // Lists what the bundles hold, newest first; those that went away or cannot be read are passed over with a note.
  LocalBlobs(const Home& home, const std::vector<WrittenBundle>& bundles, base::Reporter& reporter);

  // Looked at before all others.
  void prefer(bundle::BlobMap map) { m_maps.insert(m_maps.begin(), std::move(map)); }

  // Where a blob lies. Nothing is proven by it: whoever reads hashes.
  std::optional<bundle::BlobLocation> find(const base::Digest& sha256, std::uint64_t length) const;
  std::vector<bundle::BlobLocation> find_all(const base::Digest& sha256, std::uint64_t length) const;

 private:
  std::optional<bundle::BlobLocation> in_store(const base::Digest& sha256, std::uint64_t length) const;

  std::vector<bundle::BlobMap> m_maps;
  store::BlobStore m_store;
};

// Reads a blob from where it lies, and goes on upstream from the same byte where reading fails: a medium that was
// removed must not stop a run.
class LocalFetchable : public ecosystem::Fetchable {
 public:
  using Upstream = std::function<std::shared_ptr<ecosystem::Fetchable>()>;
  LocalFetchable(bundle::BlobLocation location, Upstream upstream)
      : m_location(std::move(location)), m_upstream(std::move(upstream)) {}
  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override;

 private:
  std::size_t read(std::uint64_t offset, std::span<std::byte> buffer) const;

  bundle::BlobLocation m_location;
  Upstream m_upstream;
};

// Text that is at hand.
class TextFetchable : public ecosystem::Fetchable {
 public:
  explicit TextFetchable(std::string text) : m_text(std::move(text)) {}
  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override;

 private:
  std::string m_text;
};

}  // namespace airlock::workflow
