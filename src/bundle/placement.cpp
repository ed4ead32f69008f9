#include "bundle/placement.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/tar.hpp"
#include "base/text.hpp"
#include "bundle/layout.hpp"
#include "bundle/volume_writer.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;
using base::k_tar_block;

namespace {

// A first part smaller than this is not worth a member of its own; the blob starts in the next volume.
constexpr std::uint64_t k_smallest_part = 64 * 1024;  // bytes

// The longest content, in whole blocks, whose member fits `room` bytes.
std::uint64_t largest_content(std::uint64_t room) {
  if (room <= k_tar_block) {
    return 0;
  }
  std::uint64_t content = (room - k_tar_block) / k_tar_block * k_tar_block;
  if (base::tar_member_size(content) > room) {  // beyond 8 GiB the header takes two blocks more
    content -= std::min(content, base::tar_header_size(content) - k_tar_block);
  }
  return content;
}

}  // namespace

std::uint64_t piece_end(const Piece& piece) {
  return piece.content + piece.length + base::tar_padding(piece.length);
}

Placement::Placement(std::optional<std::uint64_t> volume_size, std::uint64_t head_room)
    : m_position(volume_size ? 0 : head_room) {
  if (volume_size) {
    if (*volume_size < k_smallest_volume) {
      throw Error(ErrorCode::usage, fmt::format("volumes of {} are too small", base::format_bytes(*volume_size)))
          .with_hint(fmt::format("the smallest is {}", base::format_bytes(k_smallest_volume)));
    }
    m_usable = *volume_size / k_tar_block * k_tar_block - base::k_tar_end_size;
  }
}

void Placement::begin_volume() {
  if (m_volume == k_volume_limit) {
    throw Error(ErrorCode::limit, fmt::format("the bundle would need more than {} volumes", k_volume_limit))
        .with_hint("choose a larger --volume-size");
  }
  if (m_volume > 0) {
    m_closed += m_position + base::k_tar_end_size;
  }
  ++m_volume;
  m_position = k_volume_front;
}

Piece Placement::put(std::uint64_t length, std::uint64_t part) {
  Piece piece{.volume = m_volume,
              .header = m_position,
              .content = m_position + base::tar_header_size(length),
              .length = length,
              .part = part};
  m_position = piece_end(piece);
  return piece;
}

void Placement::place_parts(std::uint64_t length, std::vector<Piece>& pieces) {
  std::uint64_t left = length;
  for (std::uint64_t part = 1; left > 0; ++part) {
    std::uint64_t content = largest_content(*m_usable - m_position);
    if (m_position > k_volume_front && content < std::min(left, k_smallest_part)) {
      begin_volume();
      content = largest_content(*m_usable - m_position);
    }
    pieces.push_back(put(std::min(left, content), part));
    left -= pieces.back().length;
    if (left > 0) {
      begin_volume();
    }
  }
}

std::vector<Piece> Placement::place(std::uint64_t length) {
  if (length > k_blob_limit) {
    throw Error(ErrorCode::limit, fmt::format("a blob of {} is too large", base::format_bytes(length)));
  }
  if (!m_usable) {
    return {put(length, 0)};
  }
  if (m_volume == 0) {
    begin_volume();
  }
  const std::uint64_t needed = base::tar_member_size(length);
  if (k_volume_front + needed > *m_usable) {
    std::vector<Piece> pieces;
    place_parts(length, pieces);
    return pieces;
  }
  if (m_position + needed > *m_usable) {
    begin_volume();
  }
  return {put(length, 0)};
}

std::uint64_t Placement::total() const {
  if (m_usable && m_volume == 0) {
    return 0;
  }
  return m_closed + m_position + base::k_tar_end_size;
}

std::uint64_t count_volumes(const std::vector<std::uint64_t>& lengths, std::uint64_t volume_size) {
  Placement placement(volume_size, 0);
  for (const std::uint64_t length : lengths) {
    placement.place(length);
  }
  return placement.volumes();
}

std::uint64_t output_size(const std::vector<std::uint64_t>& lengths, std::optional<std::uint64_t> volume_size,
                          std::uint64_t head_room) {
  Placement placement(volume_size, head_room);
  for (const std::uint64_t length : lengths) {
    placement.place(length);
  }
  return placement.total() + (volume_size ? head_room : 0);
}

}  // namespace airlock::bundle
