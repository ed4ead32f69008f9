#include "ecosystem/oci/belonging.hpp"

#include "ecosystem/oci/rows.hpp"
#include "ecosystem/oci/tags.hpp"
#include "model/purl.hpp"

namespace airlock::ecosystem::oci {

using base::Digest;
using model::Belonging;
using model::FileRow;
using model::Kind;

namespace {

constexpr std::string_view k_layout_suffix = "+layout";  // of what stands beside an image for other tools only

// What is named by its SHA-256 is what it is named. Another digest cannot be compared with what a row has; clients
// compare it with what they get, and approvers see it.
Belonging content_belongs(const Digest& digest, const FileRow& row) {
  if (digest.algorithm() != base::HashAlgorithm::sha256) {
    return Belonging::beside;
  }
  const bool fits = row.sha256 ? *row.sha256 == digest : row.kind == Kind::known;
  return fits ? Belonging::named : Belonging::no;
}

Belonging tag_belongs(const RowPath& path, const model::Purl& purl, const FileRow& row) {
  const auto tag = purl.qualifiers.find("tag");
  if (tag != purl.qualifiers.end() && tag->second == path.tag) {
    const auto digest = parse_content_digest(purl.version);
    return digest ? content_belongs(*digest, row) : Belonging::no;
  }
  // Signatures and the like of something in the repository; its digest is their tag's name.
  return row.kind == Kind::tag && is_referrers_tag(path.tag) ? Belonging::beside : Belonging::no;
}

}  // namespace

Belonging belongs(const FileRow& row) {
  const auto purl = model::Purl::parse_if_valid(row.artifact);
  std::string_view text = row.path;
  const bool is_layout = row.kind == Kind::layout;
  if (is_layout) {
    if (!text.ends_with(k_layout_suffix)) {
      return Belonging::no;
    }
    text.remove_suffix(k_layout_suffix.size());
  }
  const auto path = parse_row_path(text);
  if (!purl || !path || purl->type != k_ecosystem) {
    return Belonging::no;
  }
  const auto found = purl->qualifiers.find("repository_url");
  const std::string url = found == purl->qualifiers.end() ? std::string() : found->second;
  const std::size_t slash = url.find('/');
  if (slash == std::string::npos || host_to_path(url.substr(0, slash)) + url.substr(slash) != path->repository ||
      purl->name != url.substr(url.rfind('/') + 1)) {
    return Belonging::no;
  }
  if (is_layout) {
    return Belonging::named;  // an index that airlock made of the image beside it, of other bytes
  }
  if (!path->tag.empty()) {
    return tag_belongs(*path, *purl, row);
  }
  return content_belongs(path->digest ? *path->digest : *path->referrer, row);
}

}  // namespace airlock::ecosystem::oci
