// Reads and hashes many blobs on all cores, straight from the files that hold them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/reporter.hpp"
#include "bundle/blob_map.hpp"

namespace airlock::workflow {

struct BlobToCheck {
  base::Digest sha256;
  std::uint64_t length = 0;  // bytes
};

struct BlobFailure {
  BlobToCheck blob;
  base::ErrorCode code = base::ErrorCode::tampered;  // tampered, truncated, or what reading threw
  std::string file;                                  // in which the blob lies; empty where it lies in none
  std::string message;                               // "digest differs", without the blob's name
};

// Where a blob is; nullopt: nowhere. Called from several threads.
using LocateBlob = std::function<std::optional<bundle::BlobLocation>(const BlobToCheck&)>;

struct BlobCheckOptions {
  unsigned threads = 0;  // 0: one a core
};

// Failures in the order of `blobs`. Each blob is read once, by one thread; large ones are begun first, so that none is
// left alone at the end. Throws interrupted.
std::vector<BlobFailure> check_blobs(const std::vector<BlobToCheck>& blobs, const LocateBlob& locate,
                                     base::ProgressTask& progress, const BlobCheckOptions& options = {});

// Reads all of `location` and hashes it. Throws truncated, io, interrupted.
base::Digest hash_location(const bundle::BlobLocation& location, base::ProgressTask& progress);

}  // namespace airlock::workflow
