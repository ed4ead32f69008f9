// One image or file out of a bundle, without an import; every byte is hashed on the way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/reporter.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

struct ExtractOptions {
  std::filesystem::path bundle;
  std::vector<std::filesystem::path> volumes;
  std::string what;              // an image reference, or the path of a file ("ECOSYSTEM:PATH" where several have it)
  std::filesystem::path output;  // of an image: a folder, or a tar by its extension; of a file: a file, or a folder
  Home home;
  base::Time now{};
};

struct ExtractReport {
  enum class Form { file, layout_folder, layout_archive } form = Form::file;
  std::filesystem::path output;
  base::Digest sha256;  // of the file, or of the image's manifest or index
  std::uint64_t blobs = 0, bytes = 0;
  bool proven = false;                // the bundle's signatures were checked
  std::vector<std::string> left_out;  // parts of the image that are not in the bundle (other platforms)
};

// Throws not_found (with what is near), conflict (the output exists), base_missing and volume_missing (a blob is not
// here), tampered; revoked for what its producer revoked or this home blocks.
ExtractReport extract(const ExtractOptions& options, base::Reporter& reporter);

struct DigestUse {
  std::string ecosystem, path, artifact, kind, origin, verified;
  std::uint64_t length = 0;
};
// Which artifacts a digest belongs to; empty where it is none of the bundle's.
std::vector<DigestUse> explain_digest(const std::filesystem::path& bundle, const base::Digest& sha256, const Home& home,
                                      base::Time now, bool& proven);

}  // namespace airlock::workflow
