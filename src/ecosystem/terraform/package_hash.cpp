#include "ecosystem/terraform/package_hash.hpp"

#include <fmt/format.h>

#include "base/archive.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::terraform {

using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::uint64_t k_unpacked_limit = std::uint64_t{8} * 1024 * 1024 * 1024;  // bytes
constexpr std::size_t k_file_limit = 100'000;

}  // namespace

std::string directory_hash(const std::filesystem::path& zip) {
  std::map<std::string, std::string> lines;  // by name
  std::uint64_t left = k_unpacked_limit;
  base::walk_archive(zip, [&](const base::ArchiveMember& member, base::ByteSource& content) {
    if (lines.size() == k_file_limit) {
      throw Error(ErrorCode::limit, fmt::format("more than {} files in the archive", k_file_limit));
    }
    if (member.name.find('\n') != std::string::npos) {
      throw Error(ErrorCode::malformed, "a file name with a line break in the archive");
    }
    base::NullSink nowhere;
    base::HashingSink hashing(nowhere);
    left -= base::copy(content, hashing, left);
    lines.insert_or_assign(member.name, fmt::format("{}  {}\n", hashing.finish().hex(), member.name));
    return true;
  });
  base::Hasher hasher;
  for (const auto& [name, line] : lines) {
    hasher.update(line);
  }
  const Digest digest = hasher.finish();
  return "h1:" +
         base::base64_encode(std::string(reinterpret_cast<const char*>(digest.bytes().data()), digest.bytes().size()));
}

std::optional<std::string> PackageHashes::get(const store::BlobStore& blobs, const Digest& sha256) {
  {
    std::unique_lock lock(m_mutex);
    const auto [known, first] = m_known.try_emplace(sha256);
    if (!first) {
      m_changed.wait(lock, [&, &entry = known->second] { return entry.done; });
      return known->second.hash;
    }
  }
  std::optional<std::string> hash;
  try {
    if (const auto slice = blobs.open(sha256); slice && slice->offset == 0) {
      hash = directory_hash(fmt::format("/proc/self/fd/{}", slice->fd->get()));
    }
  } catch (const Error&) {
    // What is no archive has no such hash; clients then go by that of the file.
  }
  const std::scoped_lock lock(m_mutex);
  Known& known = m_known[sha256];
  known.done = true;
  known.hash = hash;
  m_changed.notify_all();
  return hash;
}

}  // namespace airlock::ecosystem::terraform
