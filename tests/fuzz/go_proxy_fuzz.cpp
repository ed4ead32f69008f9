// What proxies, checksum databases and clients send: names, queries, lists, infos, notes, records, netrc files.
#include "base/digest.hpp"
#include "base/error.hpp"
#include "ecosystem/go/go_env.hpp"
#include "ecosystem/go/note.hpp"
#include "ecosystem/go/pulumi_plugin.hpp"
#include "ecosystem/go/query.hpp"
#include "ecosystem/go/transparent_log.hpp"
#include "ecosystem/go/wanted.hpp"
#include "fuzz_target.hpp"

using namespace airlock;
using namespace airlock::ecosystem::go;

namespace {

template <typename Function>
void try_it(Function&& function) {
  try {
    function();
  } catch (const base::Error& error) {
    fuzz::require(error.code() != base::ErrorCode::internal && error.code() != base::ErrorCode::io,
                  "every refusal is about the input");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  if (const auto plain = unescape(text)) {
    fuzz::require(escape(*plain) == text, "names are spelt in one way");
  }
  if (const auto path = parse_file_path(text)) {
    fuzz::require(file_path(path->module, path->extension) == text, "paths are spelt in one way");
    fuzz::require(text.find("..") == std::string_view::npos || text.find("/../") == std::string_view::npos,
                  "no path leaves its place");
  }
  static_cast<void>(import_path_problem(text));
  static_cast<void>(file_name_problem(text));
  static_cast<void>(matches_patterns(text, "github.com/a/b"));
  static_cast<void>(matches_patterns("github.com/*,*.b/c", text));
  static_cast<void>(wanted(text));
  static_cast<void>(find_in_netrc(text, "a.b"));
  static_cast<void>(parse_verifier_key(text));
  for (const char* query : {"latest", "v1", "<v2.0.0", ">v0.1.0"}) {
    static_cast<void>(matching_versions("a.b/c", text, query));
  }
  try_it([&] {
    const Query query = parse_query(text);
    fuzz::require(parse_query(query.path + "@" + query.version) == query, "a query prints and parses to itself");
  });
  try_it([&] {
    const VersionInfo info = parse_info(text, "input");
    const VersionInfo again = parse_info(info.to_json(), "output");
    fuzz::require(again.version == info.version && again.time == info.time, "an info prints and parses to itself");
  });
  try_it([&] { static_cast<void>(parse_pulumi_plugin(text, {"a.b/c", "v1.0.0"})); });
  try_it([&] { static_cast<void>(parse_proxy_list(text)); });
  try_it([&] {
    const VerifierKey key{.name = "a.b", .hash = 0, .ed25519 = std::string(32, 'k')};
    static_cast<void>(verified_text(text, key));
    fuzz::require(false, "nobody can sign for this key");
  });
  try_it([&] {
    const LookupAnswer answer = parse_lookup(text);
    const TreeHead head{.size = answer.id + 1, .root = base::sha256("no tree has this root")};
    std::size_t tiles = 0;
    prove_record(head, answer.id, answer.record, [&](const Tile& tile) {
      fuzz::require(++tiles < 200 && tile.width >= 1 && tile.width <= k_tile_width, "a proof is short");
      static_cast<void>(tile_path(tile));
      return std::string(tile.width * 32, 'h');
    });
    fuzz::require(false, "no record is in that tree");
  });
  try_it([&] { static_cast<void>(parse_tree_head(text)); });
  return 0;
}
