#include "ecosystem/terraform/lock_file.hpp"

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/text.hpp"
#include "ecosystem/terraform/hcl.hpp"

namespace airlock::ecosystem::terraform {

using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_lock_limit = 4 * 1024 * 1024;  // bytes

LockedProvider read_locked(const HclBlock& block) {
  const auto provider = block.labels.size() == 1 ? parse_provider(block.labels.front()) : std::nullopt;
  if (!provider || provider->host.empty()) {
    throw Error(ErrorCode::manifest, "a provider of a lock file has one label, HOST/NAMESPACE/TYPE").at(block.position);
  }
  LockedProvider locked{
      .provider = *provider, .version = {}, .zip_hashes = {}, .directory_hashes = {}, .position = block.position};
  const HclValue* version = block.find("version");
  if (version == nullptr || version->kind != HclValue::Kind::string || !is_provider_version(version->text)) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' is locked to no exact version", provider->to_string()))
        .at(version == nullptr ? block.position : version->position);
  }
  locked.version = version->text;
  const HclValue* hashes = block.find("hashes");
  if (hashes == nullptr) {
    return locked;
  }
  for (const HclValue& hash : hashes->items) {
    constexpr std::string_view zip = "zh:";
    constexpr std::string_view directory = "h1:";
    if (hash.kind == HclValue::Kind::string && hash.text.starts_with(zip)) {
      const std::string hex = hash.text.substr(zip.size());
      if (!Digest::is_sha256_hex(hex)) {
        throw Error(ErrorCode::manifest, fmt::format("'{}' is no SHA-256", base::printable(hash.text, 100)))
            .at(hash.position);
      }
      locked.zip_hashes.push_back(Digest::parse_sha256_hex(hex));
    } else if (hash.kind == HclValue::Kind::string && hash.text.starts_with(directory)) {
      locked.directory_hashes.push_back(hash.text);
    }
  }
  return locked;
}

}  // namespace

std::vector<LockedProvider> parse_lock_file(std::string_view text, const std::string& file) {
  std::vector<LockedProvider> providers;
  for (const HclBlock& block : parse_hcl(text, file).blocks) {
    if (block.type == "provider") {
      providers.push_back(read_locked(block));
    }
  }
  return providers;
}

std::optional<std::vector<LockedProvider>> read_lock_file(const std::filesystem::path& folder) {
  const auto text = base::read_file_if_exists(folder / k_lock_file, k_lock_limit);
  return text ? std::optional(parse_lock_file(*text, (folder / k_lock_file).string())) : std::nullopt;
}

}  // namespace airlock::ecosystem::terraform
