// Whether a medium really holds what was written to it.
#pragma once

#include <filesystem>
#include <vector>

#include "base/digest.hpp"
#include "base/reporter.hpp"

namespace airlock::workflow {

struct FileDigest {
  std::filesystem::path file;
  base::Digest sha256;
};

// Of whole files, on all cores. `cache`: read_through first drops what memory holds of them, so that the medium
// answers.
enum class Cache { use, read_through };
std::vector<FileDigest> hash_files(const std::vector<std::filesystem::path>& files, Cache cache,
                                   base::Reporter& reporter);

// Throws tampered, naming the first file that reads otherwise.
void read_back(const std::vector<FileDigest>& written, base::Reporter& reporter);

}  // namespace airlock::workflow
