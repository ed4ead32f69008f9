// The strictly sequential output: one file with room for its head in front, or volumes of whole blobs. Every byte is
// written once; only the head's room is filled in at the end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/files.hpp"
#include "bundle/blob_map.hpp"
#include "bundle/documents.hpp"

namespace airlock::bundle {

struct OutputPlan {
  std::filesystem::path directory;
  std::string stem;                          // "site-a-7"; files are "<stem>.airlock", "<stem>.v001.tar", …
  std::filesystem::path single_file;         // set by `-o FILE`: the head's name, else directory/stem.airlock
  std::optional<std::uint64_t> volume_size;  // bytes; none: one file
  std::uint64_t head_room = 0;               // bytes, for one file
  Hint hint;                                 // of the set; kind, volume and volumes are filled in
  std::uint64_t mtime = 0;                   // seconds, of every member
  std::uint64_t volumes = 0;                 // "of n" where it is known before
  // For one file: the head, head_room bytes, where it is known before the blobs. The file is then hashed on the way.
  std::optional<std::string> head = std::nullopt;
};

// A blob of the set; the state of an interrupted run is rebuilt from the files alone. In what resume() is given, a zero
// digest stands for one that is not known before: the name in the file is taken, when the content has that digest.
struct WrittenBlob {
  base::Digest sha256;
  std::uint64_t length = 0;
};

class BundleOutput {
 public:
  // Starts at nothing. Files carry the suffix ".partial" until finish().
  explicit BundleOutput(OutputPlan plan);
  // Continues an interrupted run: reads the partial files from their start, hashes what is there (all cores) and keeps
  // the longest correct prefix of `expected` (in order), up to the last byte of a blob begun. Returns how many blobs
  // are complete; `begun` tells how many bytes of the next are there. Partial files that do not fit are started anew.
  // Files that a run had given their final names before it was stopped are taken up again, unless the head has its
  // name.
  static BundleOutput resume(OutputPlan plan, const std::vector<WrittenBlob>& expected, std::size_t& complete,
                             std::uint64_t& begun);
  BundleOutput(BundleOutput&&) noexcept;
  ~BundleOutput();  // partial files stay: the next run continues

  // One blob: header, bytes, padding; cut into parts only when it is larger than a volume. `length` must be what is
  // then appended. finish_blob throws tampered when the digest differs from `sha256`, and takes the blob's bytes back.
  void begin_blob(const base::Digest& sha256, std::uint64_t length);
  void append(std::span<const std::byte> data);
  void finish_blob();
  // Continues the blob that resume() found begun.
  void continue_blob(const base::Digest& sha256, std::uint64_t length, std::uint64_t begun);
  // A blob whose digest is not known before: the header is filled in afterwards (one file or one volume, seekable).
  // finish_unknown_blob returns its digest; a blob that is in the set already is taken back and not kept twice.
  void begin_unknown_blob(std::uint64_t length);
  base::Digest finish_unknown_blob();
  bool contains(const base::Digest& sha256) const;
  const std::vector<WrittenBlob>& written() const;  // complete blobs of the set in their order

  // Where the bytes of each complete blob lie now, in their order, to be read again before the set is finished. Between
  // blobs only.
  void for_each_written(const std::function<void(const WrittenBlob&, const BlobLocation&)>& visit) const;

  std::uint64_t bytes_written() const;  // to the target, this run
  std::vector<VolumeRecord> volumes();  // closes the last volume; empty for one file
  // Writes the head (build_head) into its room, or as a file of its own; syncs; gives all files their names, the head
  // last. An existing other file is never overwritten (throws conflict before anything is renamed).
  // `head` is called with the room's size for one file. When it answers nullopt, the file becomes volume 1 of a set
  // with a separate head: volumes() then gives that volume, and `head` is called again without a size, to make a head
  // that is sealed with it. For volumes it is called once, without a size; where
  // the plan has the head, not at all.
  struct Result {
    std::filesystem::path head;
    std::vector<std::filesystem::path> volumes;
    std::uint64_t bytes = 0;                                // of all files
    std::map<std::filesystem::path, base::Digest> digests;  // of the files that were hashed on the way
  };
  Result finish(const std::function<std::optional<std::string>(std::optional<std::uint64_t> room)>& head);

 private:
  friend class Resumption;
  struct Impl;
  explicit BundleOutput(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

// How `lengths` fall into volumes of `volume_size`: the number of volumes, exactly as BundleOutput cuts them.
std::uint64_t count_volumes(const std::vector<std::uint64_t>& lengths, std::uint64_t volume_size);
std::uint64_t output_size(const std::vector<std::uint64_t>& lengths, std::optional<std::uint64_t> volume_size,
                          std::uint64_t head_room);

}  // namespace airlock::bundle
