#include "workflow/whereabouts.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/purl.hpp"
#include "store/denials.hpp"
#include "workflow/import_one.hpp"

namespace airlock::workflow {

namespace {

using base::Digest;
using base::Error;
using base::ErrorCode;
using store::StateDb;

std::optional<Digest> as_digest(std::string_view what) {
  if (Digest::is_sha256_hex(what)) {
    return Digest::parse_sha256_hex(what);
  }
  if (what.starts_with("sha256:") || what.starts_with("sha512:") || what.starts_with("sha1:")) {
    return Digest::parse(what);
  }
  return std::nullopt;
}

// The spellings under which people know an artifact: its purl, with and without qualifiers and version, and its name.
class Name {
 public:
  explicit Name(std::string_view what) : m_what(what) {}

  bool fits(const model::FileRow& row) {
    if (row.path == m_what || row.artifact == m_what) {
      return true;
    }
    if (row.artifact.empty()) {
      return false;
    }
    // Rows of one artifact stand together.
    if (row.artifact != m_last) {
      m_last = row.artifact;
      m_last_fits = artifact_fits(row.artifact);
    }
    return m_last_fits;
  }

 private:
  bool artifact_fits(const std::string& artifact) const {
    try {
      auto purl = model::Purl::parse(artifact);
      const auto name = purl.namespace_.empty() ? purl.name : purl.namespace_ + "/" + purl.name;
      const auto version = purl.version;
      if (name == m_what || purl.name == m_what || fmt::format("{}@{}", name, version) == m_what ||
          fmt::format("{}@{}", purl.name, version) == m_what) {
        return true;
      }
      purl.qualifiers.clear();
      const auto whole = purl.to_string();
      purl.version.clear();
      return whole == m_what || purl.to_string() == m_what;
    } catch (const Error&) {
      return false;
    }
  }

  std::string m_what;
  std::string m_last;
  bool m_last_fits = false;
};

std::set<Digest> named(const StateDb& state, const std::vector<store::Generation>& generations, std::string_view what,
                       bool active_only) {
  std::set<Digest> found;
  Name name(what);
  for (const auto& generation : generations) {
    if (active_only && !generation.served()) {
      continue;
    }
    state.for_each_row(generation.id, [&](const model::FileRow& row) {
      if (row.sha256 && row.kind != model::Kind::known && name.fits(row)) {
        found.insert(*row.sha256);
      }
    });
  }
  return found;
}

Whereabouts describe(const StateDb& state, const store::Denials& denials,
                     const std::vector<store::Generation>& generations, const Digest& sha256) {
  Whereabouts where;
  where.sha256 = sha256;
  where.present = state.has_blob(sha256);
  std::set<std::string> artifacts;
  std::set<std::string> paths;
  state.for_each_row_of(sha256, [&](std::uint64_t id, const model::FileRow& row) {
    const auto generation = std::ranges::find(generations, id, &store::Generation::id);
    if (generation == generations.end()) {
      return;
    }
    where.length = row.length.value_or(where.length);
    if (!row.artifact.empty()) {
      artifacts.insert(row.artifact);
    }
    paths.insert(row.ecosystem + " " + row.path);
    if (where.generations.empty() || where.generations.back().id != id) {
      where.generations.push_back(*generation);
    }
    if (!generation->served() || row.kind == model::Kind::known || row.ecosystem == k_bundle_ecosystem) {
      return;
    }
    if (const auto* denial = denials.find(generation->channel, row)) {
      where.denied = denial->why;
    } else if (row.kind == model::Kind::withheld) {
      where.denied = "withheld on this side";
    } else {
      where.served = true;
    }
  });
  where.artifacts.assign(artifacts.begin(), artifacts.end());
  where.paths.assign(paths.begin(), paths.end());
  where.paths.resize(std::min(where.paths.size(), k_most_paths));
  return where;
}

}  // namespace

std::vector<Whereabouts> find_content(const Home& home, std::string_view what) {
  const StateDb state(home.root, StateDb::Access::read);
  const auto generations = state.generations();
  std::set<Digest> digests;
  if (auto digest = as_digest(what)) {
    if (digest->algorithm() != base::HashAlgorithm::sha256) {
      state.for_each_alias([&, other = *digest](const Digest& alias, const Digest& sha256) {
        if (alias == other) {
          digests.insert(sha256);
        }
      });
    } else {
      digests.insert(*digest);
    }
  } else {
    digests = named(state, generations, what, true);
    if (digests.empty()) {
      digests = named(state, generations, what, false);
    }
  }
  const store::Denials denials(state);
  std::vector<Whereabouts> found;
  for (const auto& digest : digests) {
    found.push_back(describe(state, denials, generations, digest));
  }
  if (found.empty() || what.empty()) {  // "" would be the artifact of every row without one
    throw Error(ErrorCode::not_found, fmt::format("nothing here is called '{}'", base::printable(what, 200)))
        .with_hint("give a digest, a path, a purl, or a name with or without its version: left-pad@1.3.0");
  }
  return found;
}

}  // namespace airlock::workflow
