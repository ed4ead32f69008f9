// The tree of a checksum database (golang.org/x/mod/sumdb/tlog; RFC 6962, 2.1): heads, records, and the proof that a
// record is in the tree that a head names. Pure; tiles come from a function.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace airlock::ecosystem::go {

struct TreeHead {
  std::uint64_t size = 0;  // records
  base::Digest root;
};
TreeHead parse_tree_head(std::string_view text);  // the verified text of a note; throws malformed

struct LookupAnswer {
  std::uint64_t id = 0;
  std::string record;  // lines as in go.sum
  std::string note;    // of a head whose tree holds the record
};
LookupAnswer parse_lookup(std::string_view text);  // throws malformed

struct Tile {
  unsigned level = 0;        // of tiles: its hashes stand at 8 * level of the tree
  std::uint64_t number = 0;  // from the left
  unsigned width = 256;      // hashes; fewer at the right edge
  auto operator<=>(const Tile&) const = default;
};
inline constexpr unsigned k_tile_width = 256;
std::string tile_path(const Tile& tile);  // "tile/8/0/x001/234.p/56"

// The 32 bytes of each hash of a tile, one after the other; of more hashes than asked for the first are taken. Throws
// what reading it throws.
using TileReader = std::function<std::string(const Tile&)>;

// Throws tampered unless `record` is the record `id` of the tree that `head` names. It is the tree's root that is
// compared at the end, so nothing that `tiles` gives needs to be trusted. Throws malformed on a tile that is too short.
void prove_record(const TreeHead& head, std::uint64_t id, std::string_view record, const TileReader& tiles);

}  // namespace airlock::ecosystem::go
