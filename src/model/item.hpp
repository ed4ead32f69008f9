// What a person points at when something must not be served: a digest, a package URL, or a name in an ecosystem.
// Revocations (docs/formats/bundle.md) and a site's own blocks are lists of items.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "model/file_row.hpp"

namespace airlock::model {

// Package URLs mean what clients download: of an image its tags and manifests, since layers may belong to others, too;
// elsewhere the files, and not what an index is made from. A name of an image means the same; another name means all
// that is called so, what an index is made from included.
class Item {
 public:
  // `sha256:HEX` (or 64 hex digits), another digest (`sha512:HEX`), `pkg:TYPE/NAME[@VERSION][?…]`, or
  // `ECOSYSTEM:NAME[@VERSION]`; of images NAME may end with `:TAG`. Throws usage.
  static Item parse(std::string_view text);

  const std::string& text() const { return m_text; }  // canonical; parse(text()) is equal
  const std::optional<base::Digest>& digest() const { return m_digest; }
  const std::string& artifact() const { return m_artifact; }  // of a package URL, canonical; else empty

  // No version, and of an image neither tag nor digest: all that is called so is meant, whenever it comes.
  bool is_unversioned() const;
  // Without a version every version is meant, without qualifiers every variant. A digest other than SHA-256 matches
  // what is pinned by it; what else it is known to stand for is the caller's to know.
  bool matches(const FileRow& row) const;

  bool operator==(const Item& other) const { return m_text == other.m_text; }
  bool operator<(const Item& other) const { return m_text < other.m_text; }

 private:
  bool matches_name(const FileRow& row) const;

  std::string m_text;
  std::optional<base::Digest> m_digest;
  std::string m_artifact;         // of a package URL, canonical
  std::string m_ecosystem;        // of a name
  std::string m_name, m_version;  // of a name
  std::string m_path;             // all of it, since it may be a path as well
};

}  // namespace airlock::model
