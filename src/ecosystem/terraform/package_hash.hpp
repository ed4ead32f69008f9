// "h1:" of a provider's archive: over the names and SHA-256 of the files in it, so that an unpacked copy has the same.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/digest.hpp"
#include "store/blob_store.hpp"

namespace airlock::ecosystem::terraform {

// Reads the whole archive. Throws malformed, and limit beyond 8 GiB unpacked or 100,000 files.
std::string directory_hash(const std::filesystem::path& zip);

// Those of blobs in the store, each worked out when it is first asked for and kept in memory. Thread-safe; whoever asks
// for one that is being worked out waits for it, others do not.
class PackageHashes {
 public:
  // nullopt where the blob is not there or is no archive: nothing is stated then.
  std::optional<std::string> get(const store::BlobStore& blobs, const base::Digest& sha256);

 private:
  struct Known {
    bool done = false;
    std::optional<std::string> hash;
  };
  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::map<base::Digest, Known> m_known;
};

}  // namespace airlock::ecosystem::terraform
