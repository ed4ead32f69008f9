// .terraform.lock.hcl: which providers a working folder uses, and the hashes that they must have. Pure but for reading.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "ecosystem/terraform/provider.hpp"

namespace airlock::ecosystem::terraform {

struct LockedProvider {
  Provider provider;  // with its host
  std::string version;
  std::vector<base::Digest> zip_hashes;       // "zh:…": of the archive, any platform
  std::vector<std::string> directory_hashes;  // "h1:…": of what is in it
  base::SourcePosition position;
};

// In order of the file. Throws manifest with a position.
std::vector<LockedProvider> parse_lock_file(std::string_view text, const std::string& file);
// nullopt when `folder` has none.
std::optional<std::vector<LockedProvider>> read_lock_file(const std::filesystem::path& folder);

inline constexpr std::string_view k_lock_file = ".terraform.lock.hcl";

}  // namespace airlock::ecosystem::terraform
