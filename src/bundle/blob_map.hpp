// Where each blob lies in the files of a set, whatever those are called: known by content, never by name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "bundle/head.hpp"
#include "bundle/verified_bundle.hpp"

namespace airlock::bundle {

struct BlobExtent {
  std::shared_ptr<const base::Fd> fd;
  std::string file;          // printable name of the file, for messages
  std::uint64_t offset = 0;  // in that file, bytes
  std::uint64_t length = 0;
};

struct BlobLocation {
  std::vector<BlobExtent> extents;  // one, or the parts in order
  std::uint64_t length = 0;
};

class BlobMap {
 public:
  // Looks at `head.file()`, its folder and `folders`, at every tar that could be a volume (at most 10,000 files), by
  // listing headers only. Files that are no volumes are passed over with a note; volumes of another set (by hint) are
  // findings of code foreign, kept out; a file that ends early gives truncated, and its complete blobs still count.
  // A volume with anything in it but blobs gives tampered and is kept out whole. Throws for `head.file()` only.
  // Whatever the files hold, only blobs of `listed` are kept, about 64 bytes for each, and at most 40,000 parts (a
  // file with more gives tampered and is kept out); others are counted.
  static BlobMap scan(const Head& head, const std::vector<std::filesystem::path>& folders,
                      const std::vector<VerifiedBundle::StateBlob>& listed);
  // `listed`: what the head's own catalogs name, which may not have been verified yet; a lie there ends in a blob that
  // is not found, or in a wrong digest. Throws limit where they name more than a bundle can have.
  static BlobMap scan(const Head& head, const std::vector<std::filesystem::path>& folders);
  // Of these files alone (SetFiles::files), whatever their head says, or without one: for blobs that somebody else than
  // the head wants. A file that is refused is a finding, a head too. Never throws for what a file holds.
  static BlobMap scan(const std::vector<std::filesystem::path>& files,
                      const std::vector<VerifiedBundle::StateBlob>& listed);

  // The same files looked at again, but for those of these names (BlobExtent::file): what they hold is found in other
  // copies, where there are some.
  BlobMap without(const std::set<std::string>& files) const;

  // nullopt also while a part is missing. Where members do not have the length that is listed, neither has this.
  std::optional<BlobLocation> find(const base::Digest& sha256) const;
  const std::vector<base::Finding>& findings() const;
  struct VolumeFile {
    std::filesystem::path path;
    std::string name;  // as in BlobExtent::file
    std::uint64_t length = 0;
    Hint hint;
  };
  const std::vector<VolumeFile>& volumes() const;
  std::size_t size() const;
  // In order of the medium: file by file, offset by offset, so that it is read forwards.
  void for_each(const std::function<void(const base::Digest&, const BlobLocation&)>& visit) const;
  // Blobs that nobody listed, or parts of them: how many, at most k_unlisted_counted; and the first of those that stand
  // behind the head in its own file.
  static constexpr std::size_t k_unlisted_counted = 1000;
  std::size_t unlisted() const;
  const std::optional<base::Digest>& unlisted_in_head_file() const;

 private:
  friend class BlobScanner;
  struct Impl;
  static BlobMap scan(const std::shared_ptr<Impl>& impl);
  std::shared_ptr<const Impl> m_impl;
};

// Reads a blob's extents one after the other.
class BlobSource : public base::ByteSource {
 public:
  explicit BlobSource(BlobLocation location);
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  BlobLocation m_location;
  std::size_t m_extent = 0;
  std::uint64_t m_done = 0;
};

}  // namespace airlock::bundle
