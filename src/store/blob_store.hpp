// Blobs on disk by SHA-256: `blobs/sha256/ab/<hex>`. A file there is complete and was hashed while it was written;
// whether it counts as present is said by its row in airlock.db (state_db.hpp), committed after a sync.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/files.hpp"

namespace airlock::store {

class BlobStore {
 public:
  explicit BlobStore(std::filesystem::path root);  // `HOME/blobs`; made when first written to

  // Writes one blob. Bytes go to an unnamed file while they are hashed; finish() compares length and digest and
  // publishes, or throws tampered and leaves nothing. Several writers may be open at once.
  class Writer : public base::ByteSink {
   public:
    Writer(const BlobStore& store, const base::Digest& expected, std::uint64_t length);
    Writer(const BlobStore&& store, const base::Digest& expected, std::uint64_t length) = delete;
    void write(std::span<const std::byte> data) override;  // throws tampered beyond `length`
    // What was written so far is on the medium afterwards. Before finish(), so that no name ever stands for less, where
    // no row of a database says which names count.
    void sync();
    void finish();

   private:
    const BlobStore& m_store;  // outlives the writer
    base::Digest m_expected;
    std::uint64_t m_length;
    std::uint64_t m_written = 0;
    base::Hasher m_hasher;
    base::UnnamedFile m_file;
  };

  std::optional<base::FileSlice> open(const base::Digest& sha256) const;  // nullopt: no such file
  bool file_exists(const base::Digest& sha256, std::uint64_t length) const;
  void remove(const base::Digest& sha256) const;
  // Gives a blob a second name, for a program that wants a path: what becomes of that name is nothing to the store. A
  // symbolic link where the file system has no hard ones. Throws io.
  void link_to(const base::Digest& sha256, const std::filesystem::path& name) const;
  void for_each_file(const std::function<void(const base::Digest&, std::uint64_t length)>& visit) const;
  // For a file that an interrupted import left without a row: reads and hashes it. True when it is what its name
  // says (the next sync() covers it); otherwise, also where it cannot be read, it is removed. Throws io for want of
  // descriptors or memory, which says nothing of it.
  bool recheck(const base::Digest& sha256, std::uint64_t length) const;
  // Removes what writers of a process that was killed left half written. Call only while holding the home's lock.
  void remove_leftovers() const;
  // Everything published so far is on the medium afterwards: one syncfs, or an fsync for each file on kernels whose
  // syncfs reports no write error.
  void sync() const;
  // The same for one blob, whatever else is being written to the file system.
  void sync(const base::Digest& sha256) const;
  const std::filesystem::path& root() const { return m_root; }

 private:
  struct Shared;  // which folders exist and what is not synced yet; copies of a store share it
  // Opened before the first write: a write that failed is told by syncfs to those descriptors only that were open then,
  // and to a later one only where nobody was told yet.
  const base::Fd& opened_root() const;
  std::filesystem::path path_of(const base::Digest& sha256) const;
  void publish(base::UnnamedFile& file, const base::Digest& sha256, std::uint64_t length) const;
  // Reads it from the disk; not whole where the disk does not give its bytes.
  bool is_whole(const base::FileSlice& file, const base::Digest& sha256, std::uint64_t length) const;
  std::filesystem::path m_root;
  std::shared_ptr<Shared> m_shared;
};

}  // namespace airlock::store
