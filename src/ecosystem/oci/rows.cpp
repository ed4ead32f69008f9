#include "ecosystem/oci/rows.hpp"

#include "model/purl.hpp"

namespace airlock::ecosystem::oci {

using model::FileRow;
using model::Kind;

namespace {

constexpr std::string_view k_referrers = "/referrers/";

FileRow make_row(const RowContext& context, std::string path, Kind kind, std::string_view media_type) {
  FileRow row;
  row.ecosystem = k_ecosystem;
  row.path = std::move(path);
  row.artifact = context.artifact;
  row.kind = kind;
  row.media_type = media_type;
  row.platform = context.platform;
  return row;
}

void describe(FileRow& row, const FetchedManifest& manifest, const Source& source) {
  row.origin = source.origin(Source::Part::manifests, manifest.digest);
  row.pin = manifest.digest.to_string();
  row.verified = manifest.verified;
  row.length = manifest.bytes.size();
  row.sha256 = manifest.sha256;
}

}  // namespace

std::string repository_path(const Reference& reference) {
  return host_to_path(reference.host) + "/" + reference.repository;
}

std::string tag_path(std::string_view repository, std::string_view tag) {
  return std::string(repository) + ":" + std::string(tag);
}

std::string digest_path(std::string_view repository, const base::Digest& digest) {
  return std::string(repository) + "@" + digest.to_string();
}

std::string referrer_path(std::string_view repository, const base::Digest& subject, const base::Digest& referrer) {
  return std::string(repository) + std::string(k_referrers) + subject.to_string() + "/" + referrer.to_string();
}

std::string RowPath::to_string() const {
  if (!tag.empty()) {
    return tag_path(repository, tag);
  }
  return digest ? digest_path(repository, *digest) : referrer_path(repository, *subject, *referrer);
}

std::optional<RowPath> parse_row_path(std::string_view path) {
  RowPath result;
  if (const std::size_t at = path.find('@'); at != std::string_view::npos) {
    result.digest = parse_content_digest(path.substr(at + 1));
    result.repository = path.substr(0, at);
    return result.digest && is_repository(result.repository) ? std::optional(result) : std::nullopt;
  }
  // A repository may itself be called ".../referrers", so the last one counts.
  if (const std::size_t at = path.rfind(k_referrers); at != std::string_view::npos) {
    const std::string_view rest = path.substr(at + k_referrers.size());
    const std::size_t slash = rest.find('/');
    result.subject = parse_content_digest(rest.substr(0, slash));
    if (slash != std::string_view::npos) {
      result.referrer = parse_content_digest(rest.substr(slash + 1));
    }
    if (result.subject && result.referrer) {
      result.repository = path.substr(0, at);
      return is_repository(result.repository) ? std::optional(result) : std::nullopt;
    }
    result.subject.reset();
    result.referrer.reset();
  }
  const std::size_t colon = path.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  result.repository = path.substr(0, colon);
  result.tag = path.substr(colon + 1);
  return is_repository(result.repository) && is_tag(result.tag) ? std::optional(result) : std::nullopt;
}

std::string image_purl(const Reference& reference, const base::Digest& digest, std::string_view tag) {
  model::Purl purl;
  purl.type = "oci";
  purl.name = reference.repository.substr(reference.repository.rfind('/') + 1);
  purl.version = digest.to_string();
  purl.qualifiers["repository_url"] = reference.name();
  if (!tag.empty()) {
    purl.qualifiers["tag"] = tag;
  }
  return purl.to_string();
}

FileRow manifest_row(const RowContext& context, const FetchedManifest& manifest, std::string_view media_type,
                     const Source& source) {
  FileRow row = make_row(context, digest_path(context.repository, manifest.digest), Kind::file, media_type);
  describe(row, manifest, source);
  return row;
}

FileRow tag_row(const RowContext& context, std::string_view tag, const FetchedManifest& manifest,
                std::string_view media_type, const Source& source) {
  FileRow row = make_row(context, tag_path(context.repository, tag), Kind::tag, media_type);
  describe(row, manifest, source);
  return row;
}

FileRow referrer_row(const RowContext& context, const base::Digest& subject, const FetchedManifest& manifest,
                     std::string_view media_type, const Source& source) {
  FileRow row = make_row(context, referrer_path(context.repository, subject, manifest.digest), Kind::meta, media_type);
  describe(row, manifest, source);
  return row;
}

FileRow blob_row(const RowContext& context, const Descriptor& blob, const Source& source) {
  FileRow row = make_row(context, digest_path(context.repository, blob.digest), Kind::file, blob.media_type);
  row.origin = source.origin(Source::Part::blobs, blob.digest);
  row.pin = blob.digest.to_string();
  row.verified = model::Verified::upstream_digest;
  row.length = blob.size;
  if (blob.digest.algorithm() == base::HashAlgorithm::sha256) {
    row.sha256 = blob.digest;
  }
  return row;
}

FileRow known_row(const RowContext& context, const Descriptor& descriptor, std::string_view origin) {
  FileRow row =
      make_row(context, digest_path(context.repository, descriptor.digest), Kind::known, descriptor.media_type);
  row.origin = origin;
  row.pin = descriptor.digest.to_string();
  // Its length and digest are left to the pin: a row that names a blob is taken to have one.
  return row;
}

}  // namespace airlock::ecosystem::oci
