#include "ecosystem/oci/served_content.hpp"

#include <fmt/format.h>

#include "ecosystem/oci/media_types.hpp"
#include "ecosystem/oci/reference.hpp"
#include "ecosystem/oci/repositories.hpp"
#include "ecosystem/oci/rows.hpp"
#include "ecosystem/oci/served_name.hpp"

namespace airlock::ecosystem::oci {

using base::Digest;
using base::HashAlgorithm;
using model::Kind;
using store::Catalog;
using store::CatalogRow;

namespace {

std::optional<CatalogRow> find_digest_row(const Catalog& catalog, const std::string& repository, const Digest& digest) {
  if (std::optional<CatalogRow> row = catalog.find(k_ecosystem, digest_path(repository, digest))) {
    return row;
  }
  // The same content may stand there under its digest in the other algorithm.
  if (digest.algorithm() != HashAlgorithm::sha256) {
    const std::optional<Digest> sha256 = catalog.alias(digest);
    return sha256 ? catalog.find(k_ecosystem, digest_path(repository, *sha256)) : std::nullopt;
  }
  for (CatalogRow& row : catalog.find_digest(digest)) {
    const std::optional<RowPath> path = row.ecosystem == k_ecosystem ? parse_row_path(row.path) : std::nullopt;
    if (path && path->digest && path->repository == repository) {
      return std::move(row);
    }
  }
  return std::nullopt;
}

Lookup::State state_of(const CatalogRow& row) {
  switch (row.kind) {
  case Kind::known:
    return Lookup::State::left_out;
  case Kind::withheld:
    return Lookup::State::withheld;
  default:
    return Lookup::State::found;
  }
}

}  // namespace

Lookup find_content(const Catalog& catalog, const std::vector<std::string>& repositories, std::string_view reference,
                    Source::Part part) {
  Lookup result;
  result.repository = repositories.empty() ? "" : repositories.front();
  const std::optional<Digest> digest = parse_content_digest(reference);
  bool any_repository = false;
  for (const std::string& repository : repositories) {
    std::optional<CatalogRow> row = digest ? find_digest_row(catalog, repository, *digest)
                                           : catalog.find(k_ecosystem, tag_path(repository, reference));
    if (row && part == Source::Part::manifests && !is_manifest_type(row->media_type)) {
      row.reset();  // a layer is not to be had as a manifest
    }
    if (row) {
      result.state = state_of(*row);
      result.repository = repository;
      result.digest = digest ? digest->to_string() : (row->sha256 ? row->sha256->to_string() : "");
      result.row = std::move(*row);
      return result;
    }
    any_repository = any_repository || has_repository(catalog, repository);
  }
  result.state = any_repository ? Lookup::State::unknown : Lookup::State::unknown_repository;
  return result;
}

std::string why_absent(const Lookup& lookup, std::string_view reference) {
  const std::string name = upstream_name(lookup.repository);
  switch (lookup.state) {
  case Lookup::State::unknown_repository:
    return fmt::format("nothing of {} is in the imported bundles", name);
  case Lookup::State::left_out:
    return is_nondistributable_type(lookup.row.media_type)
               ? fmt::format("{} is a layer of {} that its owner forbids to pass on; it was not carried", reference,
                             name)
               : fmt::format("{} of {} exists upstream, not carried for platform {}", reference, name,
                             lookup.row.platform.empty() ? "(none)" : lookup.row.platform);
  case Lookup::State::withheld:
    return fmt::format("{} of {} {}", reference, name, why_withheld(lookup.row));
  default:
    return fmt::format("{} of {} is not in the imported bundles", reference, name);
  }
}

}  // namespace airlock::ecosystem::oci
