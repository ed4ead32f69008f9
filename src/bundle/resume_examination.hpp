// What the partial files of an interrupted run hold, and how much of it is right. For the files of this folder only.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/files.hpp"
#include "bundle/placement.hpp"
#include "bundle/volume_writer.hpp"

namespace airlock::bundle {

// A partial file of the run before.
struct FoundFile {
  base::Fd fd;
  std::uint64_t size = 0;
  std::string name;  // printable

  std::string read(std::uint64_t offset, std::uint64_t length) const;
  // Gives `length` bytes from `offset` to each hasher that is there.
  void hash(std::uint64_t offset, std::uint64_t length, base::Hasher* first, base::Hasher* second) const;
};
using FoundFiles = std::map<std::uint64_t, FoundFile>;  // by volume; 0 is the one file

struct PlacedBlob {
  base::Digest sha256;
  std::uint64_t length = 0;
  std::vector<Piece> pieces;
};

// The state of a volume's hash somewhere inside it.
struct HashAt {
  std::uint64_t position = 0;
  base::Hasher hash;
};

struct VolumeScan {
  // In front of a damaged blob, or of one whose first part or begun bytes end the volume.
  std::optional<HashAt> before;
  // Behind everything that was looked at.
  std::optional<HashAt> end;
};

class ResumeExamination {
 public:
  using VolumeFront = std::function<std::string(std::uint64_t)>;
  ResumeExamination(const OutputPlan& plan, const FoundFiles& files);

  // Looks at headers, then reads every byte that they announce, on all cores.
  void run(const std::vector<WrittenBlob>& expected, const VolumeFront& volume_front);

  std::vector<PlacedBlob> blobs;  // the complete ones, and behind them the one that was begun
  std::size_t complete = 0;
  std::uint64_t begun = 0;  // bytes of blobs[complete]
  base::Hasher begun_hash;  // of those
  std::map<std::uint64_t, VolumeScan> scans;

 private:
  void read_headers(const std::vector<WrittenBlob>& expected, const VolumeFront& volume_front);
  bool take_blob(const WrittenBlob& expected, const VolumeFront& volume_front);
  bool take_piece(PlacedBlob& blob, const Piece& piece, std::uint64_t first_new, const VolumeFront& volume_front);
  void read_contents();
  void scan_volume(std::uint64_t volume, VolumeScan& scan);
  std::uint64_t bytes_there(std::size_t blob, const Piece& piece) const;
  void hash_blob(const PlacedBlob& blob, std::uint64_t length, base::Hasher& hasher) const;
  void check_blob(std::size_t blob);
  void note_bad(std::size_t blob);

  const OutputPlan& m_plan;
  const FoundFiles& m_files;
  Placement m_placement;
  std::atomic<std::size_t> m_first_bad{SIZE_MAX};
};

}  // namespace airlock::bundle
