// Where blobs fall in the files of a set: the one rule that planning, writing and resuming share. For the files of
// this folder only; docs/formats/bundle.md, Blobs and volumes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace airlock::bundle {

// A run of bytes of one blob in one file.
struct Piece {
  std::uint64_t volume = 0;   // from 1; 0: the file that also holds the head
  std::uint64_t header = 0;   // offset of the tar header, bytes
  std::uint64_t content = 0;  // offset of the content, bytes
  std::uint64_t length = 0;   // of the content, bytes
  std::uint64_t part = 0;     // from 1; 0: the whole blob
};
std::uint64_t piece_end(const Piece& piece);  // behind its padding

inline constexpr std::uint64_t k_smallest_volume = 8 * 1024;  // bytes
inline constexpr std::uint64_t k_volume_front = 1024;         // bytes: the hint with its header

class Placement {
 public:
  // Throws usage for a volume below k_smallest_volume.
  Placement(std::optional<std::uint64_t> volume_size, std::uint64_t head_room);

  // The pieces of the next blob, in order. Throws limit beyond k_volume_limit volumes.
  std::vector<Piece> place(std::uint64_t length);

  std::uint64_t volumes() const { return m_volume; }     // begun so far; 0 for one file
  std::uint64_t position() const { return m_position; }  // in the file begun last, bytes
  std::uint64_t total() const;                           // bytes of all files, were they closed here; without the head

 private:
  void begin_volume();
  Piece put(std::uint64_t length, std::uint64_t part);
  void place_parts(std::uint64_t length, std::vector<Piece>& pieces);

  std::optional<std::uint64_t> m_usable;  // bytes of a volume before its end blocks
  std::uint64_t m_volume = 0;
  std::uint64_t m_position = 0;
  std::uint64_t m_closed = 0;  // bytes of the volumes that are closed
};

}  // namespace airlock::bundle
