// The files of an OCI image layout (image-spec 1.1, Image Layout), in a folder or in an uncompressed tar.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/digest.hpp"
#include "base/files.hpp"

namespace airlock::ecosystem::oci {

class LayoutFiles {
 public:
  // Throws not_found, unsupported (a compressed tar, `docker save` of old), malformed. `path` is the user's
  // own input; links in it are followed.
  explicit LayoutFiles(std::filesystem::path path);

  // "index.json", "blobs/sha256/…"; nullopt when it is not there.
  std::optional<base::FileSlice> open(const std::string& name) const;
  std::optional<base::FileSlice> open_blob(const base::Digest& digest) const;
  // The whole of a small file; throws limit beyond `limit` bytes.
  std::optional<std::string> read(const std::string& name, std::size_t limit) const;
  const std::filesystem::path& path() const { return m_path; }

 private:
  struct Member {
    std::uint64_t offset = 0;  // bytes from the start of the archive
    std::uint64_t size = 0;
  };
  void list_archive();

  std::filesystem::path m_path;
  std::shared_ptr<const base::Fd> m_archive;  // null for a folder
  std::map<std::string, Member> m_members;    // of the archive
};

}  // namespace airlock::ecosystem::oci
