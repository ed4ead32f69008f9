// The writing half of distribution-spec 1.1 ("Pushing blobs", "Pushing manifests") against one registry.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/digest.hpp"
#include "base/files.hpp"
#include "ecosystem/ecosystem.hpp"
#include "ecosystem/oci/registry_client.hpp"

namespace airlock::ecosystem::oci {

// Thread-safe. Repository names are those of the catalog; the target's own prefix is put in front here.
class RegistryTarget {
 public:
  RegistryTarget(http::Client& http, const PushTarget& target);

  std::string name_of(const std::string& repository) const;  // in the target; throws config when it is not legal there

  bool has_blob(const std::string& repository, const base::Digest& digest);
  enum class Blob { present, mounted, sent };
  // Looks first, then mounts it from a repository of this target where it was seen in this run, then uploads
  // it. Two threads with the same blob do this one after the other. Throws what stopped it, after a few
  // tries.
  Blob ensure_blob(const std::string& repository, const base::Digest& digest, const base::FileSlice& content);

  // Digest of what `reference` (a tag or a digest) is there now; nullopt when it is not there.
  std::optional<base::Digest> manifest_digest(const std::string& repository, const std::string& reference);
  // The answer as it came: 201 when it was taken; the caller judges refusals.
  http::Response put_manifest(const std::string& repository, const std::string& reference, std::string_view media_type,
                              std::string_view bytes);
  RegistryClient& client() { return m_client; }
  std::uint64_t bytes_sent() const { return m_bytes_sent; }

 private:
  std::shared_ptr<std::mutex> mutex_of(const base::Digest& digest);
  std::optional<std::string> seen_in(const base::Digest& digest);
  void saw(const base::Digest& digest, const std::string& name);
  // Where to send the blob to; nullopt when it was mounted.
  std::optional<base::Url> start_upload(const std::string& name, const base::Digest& digest,
                                        const std::optional<std::string>& mount_from);
  http::Response send_blob(const std::string& name, base::Url location, const base::Digest& digest,
                           const base::FileSlice& content);

  base::Url m_url;
  std::string m_prefix;
  RegistryClient m_client;
  std::mutex m_mutex;
  std::map<base::Digest, std::shared_ptr<std::mutex>> m_in_work;
  std::map<base::Digest, std::string> m_seen;  // the repository, in the target
  std::atomic<std::uint64_t> m_bytes_sent{0};
};

// Where an upload goes on that `asked`, an address of `registry`, answered with `location` ("Pushing a blob
// monolithically"). It may be another host; from https it is never plain http. Throws upstream.
base::Url upload_address(const base::Url& registry, const base::Url& asked, std::string_view location);
// The request that ends such an upload.
base::Url upload_end(const base::Url& address, const base::Digest& digest);

}  // namespace airlock::ecosystem::oci
