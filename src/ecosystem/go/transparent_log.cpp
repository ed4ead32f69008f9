#include "ecosystem/go/transparent_log.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::go {

using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

constexpr unsigned k_tile_height = 8;
constexpr std::size_t k_hash_size = 32;
constexpr std::uint64_t k_largest_tree = std::uint64_t{1} << 48;

std::uint64_t parse_count(std::string_view text, std::string_view what) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value > k_largest_tree ||
      (text.size() > 1 && text.front() == '0')) {
    throw Error(ErrorCode::malformed, fmt::format("the checksum database gives {} that is no number", what));
  }
  return value;
}

Digest hash_of_record(std::string_view record) {
  base::Hasher hasher;
  hasher.update(std::string_view("\0", 1));
  hasher.update(record);
  return hasher.finish();
}

Digest hash_of_node(const Digest& left, const Digest& right) {
  base::Hasher hasher;
  hasher.update("\x01");
  hasher.update(std::as_bytes(left.bytes()));
  hasher.update(std::as_bytes(right.bytes()));
  return hasher.finish();
}

Digest hash_at(std::string_view hashes, std::uint64_t number) {
  const std::string_view bytes = hashes.substr(static_cast<std::size_t>(number) * k_hash_size, k_hash_size);
  return {base::HashAlgorithm::sha256, std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size())};
}

class Proof {
 public:
  Proof(const TreeHead& head, const TileReader& tiles) : m_size(head.size), m_tiles(tiles) {}

  // The root over records [low, high), with `hash` in place of the record `id`.
  Digest with_record(std::uint64_t low, std::uint64_t high, std::uint64_t id, const Digest& hash) const {
    if (high - low == 1) {
      return hash;
    }
    const std::uint64_t middle = low + left_size(high - low);
    if (id < middle) {
      return hash_of_node(with_record(low, middle, id, hash), over(middle, high));
    }
    return hash_of_node(over(low, middle), with_record(middle, high, id, hash));
  }

 private:
  static std::uint64_t left_size(std::uint64_t count) { return std::bit_floor(count - 1); }

  Digest over(std::uint64_t low, std::uint64_t high) const {
    const std::uint64_t count = high - low;
    if (std::has_single_bit(count)) {
      const auto level = static_cast<unsigned>(std::countr_zero(count));
      return stored(level, low >> level);
    }
    const std::uint64_t middle = low + left_size(count);
    return hash_of_node(over(low, middle), over(middle, high));
  }

  // The root over the 2^level records from number * 2^level.
  Digest stored(unsigned level, std::uint64_t number) const {
    const unsigned tile_level = level / k_tile_height;
    const unsigned above = level % k_tile_height;
    const std::uint64_t first = number << above;
    Tile tile{.level = tile_level, .number = first / k_tile_width, .width = k_tile_width};
    const std::uint64_t hashes_there = (m_size >> (tile_level * k_tile_height)) - tile.number * k_tile_width;
    tile.width = static_cast<unsigned>(std::min<std::uint64_t>(hashes_there, k_tile_width));
    const std::string hashes = m_tiles(tile);
    if (hashes.size() < tile.width * k_hash_size) {
      throw Error(ErrorCode::malformed, fmt::format("the checksum database's {} is too short", tile_path(tile)));
    }
    std::vector<Digest> row;
    for (std::uint64_t i = 0; i < std::uint64_t{1} << above; ++i) {
      row.push_back(hash_at(hashes, first % k_tile_width + i));
    }
    while (row.size() > 1) {
      for (std::size_t i = 0; i < row.size() / 2; ++i) {
        row[i] = hash_of_node(row[2 * i], row[2 * i + 1]);
      }
      row.resize(row.size() / 2);
    }
    return row.front();
  }

  std::uint64_t m_size;
  const TileReader& m_tiles;
};

}  // namespace

TreeHead parse_tree_head(std::string_view text) {
  const std::vector<std::string> lines = base::split(text, '\n');
  if (lines.size() < 4 || lines[0] != "go.sum database tree") {
    throw Error(ErrorCode::malformed, "what the checksum database signed is no head of its tree");
  }
  const auto root = base::base64_decode(lines[2]);
  if (!root || root->size() != k_hash_size) {
    throw Error(ErrorCode::malformed, "the head of the checksum database's tree has no hash");
  }
  return {.size = parse_count(lines[1], "a size of its tree"), .root = hash_at(*root, 0)};
}

LookupAnswer parse_lookup(std::string_view text) {
  const std::size_t line = text.find('\n');
  const std::size_t end = line == std::string_view::npos ? line : text.find("\n\n", line);
  if (end == std::string_view::npos || end == line) {
    throw Error(ErrorCode::malformed, "the checksum database's answer is no record");
  }
  return {.id = parse_count(text.substr(0, line), "a record"),
          .record = std::string(text.substr(line + 1, end - line)),
          .note = std::string(text.substr(end + 2))};
}

std::string tile_path(const Tile& tile) {
  std::string number = fmt::format("{:03}", tile.number % 1000);
  for (std::uint64_t rest = tile.number / 1000; rest > 0; rest /= 1000) {
    number = fmt::format("x{:03}/{}", rest % 1000, number);
  }
  return fmt::format("tile/{}/{}/{}{}", k_tile_height, tile.level, number,
                     tile.width == k_tile_width ? "" : fmt::format(".p/{}", tile.width));
}

void prove_record(const TreeHead& head, std::uint64_t id, std::string_view record, const TileReader& tiles) {
  if (id >= head.size || Proof(head, tiles).with_record(0, head.size, id, hash_of_record(record)) != head.root) {
    throw Error(ErrorCode::tampered,
                fmt::format("record {} of the checksum database is not in the tree that it signed", id));
  }
}

}  // namespace airlock::ecosystem::go
