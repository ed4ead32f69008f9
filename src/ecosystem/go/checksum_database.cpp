#include <filesystem>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/go/limits.hpp"
#include "ecosystem/go/proxy.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;
using base::Url;

namespace {

constexpr std::size_t k_largest_tile = std::size_t{k_tile_width} * 32;

VerifierKey key_of(const GoEnv& env, std::string text) {
  if (text.find('+') == std::string::npos) {
    const std::filesystem::path root = value_of(env, "GOROOT");
    std::error_code ignored;
    const std::filesystem::path program = root / "bin" / "go";
    const std::string built_in = !root.empty() && std::filesystem::is_regular_file(program, ignored)
                                     ? find_built_in_key(program, text)
                                     : std::string();
    if (built_in.empty()) {
      throw Error(ErrorCode::config, fmt::format("GOSUMDB names '{}', whose key the Go client of this host does not "
                                                 "know",
                                                 base::printable(text, 100)))
          .with_hint("set GOSUMDB to 'NAME+HASH+KEY', or to 'NAME+HASH+KEY URL'");
    }
    text = built_in;
  }
  const auto key = parse_verifier_key(text);
  if (!key || key->name.find_first_of("/?#@: ") != std::string::npos) {
    throw Error(ErrorCode::config, "the key in GOSUMDB is not one of a checksum database")
        .with_hint("it is 'NAME+HASH+KEY', as the database's operator publishes it");
  }
  return *key;
}

}  // namespace

ChecksumDatabase::ChecksumDatabase(Proxy& proxy, const GoEnv& env) : m_proxy(proxy) {
  const std::string setting(base::trim(value_of(env, "GOSUMDB")));
  const std::size_t space = setting.find(' ');
  m_key = key_of(env, setting.substr(0, space));
  m_address = space == std::string::npos ? fmt::format("https://{}", m_key.name)
                                         : std::string(base::trim(std::string_view(setting).substr(space)));
}

// As the client does: the first proxy that carries the database is asked, else the database itself.
const Url& ChecksumDatabase::base_url() {
  return m_base.get(0, [&]() -> Url {
    for (const ProxyElement& element : m_proxy.elements()) {
      if (element.is_direct || element.is_off) {
        break;
      }
      const Url base = below(element.url, fmt::format("sumdb/{}", m_key.name));
      try {
        if (m_proxy.get_at(below(base, "supported"), k_largest_answer)) {
          return base;
        }
      } catch (const Error& error) {
        if (!element.any_failure_goes_on || error.code() == ErrorCode::interrupted) {
          throw;
        }
      }
    }
    return Url::parse(m_address.find("://") == std::string::npos ? "https://" + m_address : m_address);
  });
}

std::optional<std::string> ChecksumDatabase::get(std::string_view path) {
  return m_proxy.get_at(below(base_url(), path), k_largest_answer);
}

std::optional<TreeHead> ChecksumDatabase::latest() {
  return m_latest.get(0, [&]() -> std::optional<TreeHead> {
    const auto note = get("latest");
    return note ? std::optional(parse_tree_head(verified_text(*note, m_key))) : std::nullopt;
  });
}

std::string ChecksumDatabase::tile(const Tile& tile) {
  return m_tiles.get(tile, [&] {
    auto hashes = get(tile_path(tile));
    if (!hashes && tile.width < k_tile_width) {
      // Of a partial tile that has been filled up since only the full one may be left.
      Tile full = tile;
      full.width = k_tile_width;
      hashes = get(tile_path(full));
    }
    if (!hashes || hashes->size() > k_largest_tile) {
      throw Error(ErrorCode::upstream,
                  fmt::format("the checksum database '{}' does not give its {}", m_key.name, tile_path(tile)));
    }
    return *hashes;
  });
}

ModuleSums ChecksumDatabase::lookup(const Module& module) {
  return base::with_context(
      [&] { return fmt::format("while asking the checksum database '{}' for {}", m_key.name, module.to_string()); },
      [&] {
        const auto text = get(fmt::format("lookup/{}@{}", escape(module.path), escape(module.version)));
        if (!text) {
          throw Error(ErrorCode::not_found, fmt::format("it knows no {}", module.to_string()))
              .with_hint("for a module that is not public, name its path in GONOSUMDB or GOPRIVATE");
        }
        const LookupAnswer answer = parse_lookup(*text);
        auto head = latest();
        if (!head || answer.id >= head->size) {  // newer than the newest head was
          head = parse_tree_head(verified_text(answer.note, m_key));
        }
        prove_record(*head, answer.id, answer.record, [this](const Tile& wanted) { return tile(wanted); });
        GoSum sums;
        sums.add(answer.record, "a record of the checksum database");
        const ModuleSums* found = sums.find(module);
        if (found == nullptr) {
          throw Error(ErrorCode::tampered, fmt::format("its record does not name {}", module.to_string()));
        }
        return *found;
      });
}

}  // namespace airlock::ecosystem::go
