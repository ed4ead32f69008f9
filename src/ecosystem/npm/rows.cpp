#include "ecosystem/npm/rows.hpp"

#include "ecosystem/npm/integrity.hpp"
#include "ecosystem/npm/version_document.hpp"

namespace airlock::ecosystem::npm {

using model::FileRow;
using model::Kind;

namespace {

constexpr const char* k_json = "application/json";

FileRow make_row(const Member& member, std::string path, Kind kind, std::string_view media_type) {
  FileRow row;
  row.ecosystem = k_ecosystem;
  row.path = std::move(path);
  row.artifact = purl_of(member.packument->name(), member.version);
  row.kind = kind;
  row.media_type = media_type;
  return row;
}

ResolvedFile document(FileRow row, std::string content, const base::Url& origin) {
  row.origin = origin.to_string();
  row.length = content.size();
  row.sha256 = base::sha256(content);
  return {.row = std::move(row), .content = std::move(content)};
}

// The one platform that the package is for; empty where it runs on several.
std::string platform_of(const PlatformLimits& limits, const ClosureOptions& options) {
  std::string result;
  for (const model::Platform& platform : limits.any() ? std::vector<model::Platform>() : options.platforms) {
    if (ClosureOptions{.platforms = {platform}, .libcs = options.libcs}.fits(limits)) {
      if (!result.empty()) {
        return "";
      }
      result = platform.to_string();
    }
  }
  return result;
}

}  // namespace

std::vector<ResolvedFile> version_rows(RegistryClient& client, const Member& member, Grade grade,
                                       const ClosureOptions& options) {
  const std::string& name = member.packument->name();
  const std::string file = tarball_name(name, member.version, member.facts);
  const base::Url origin = client.document_url(name);
  std::vector<ResolvedFile> rows;

  FileRow tarball = make_row(member, tarball_path(name, file), grade == Grade::whole ? Kind::file : Kind::known,
                             "application/octet-stream");
  tarball.origin = client.tarball_url(name, member.version, member.facts).to_string();
  const auto pin = strongest(member.facts.integrity);
  if (pin) {
    tarball.pin = pin->to_string();
  }
  if (grade == Grade::whole) {
    // Two tarballs can be made with one SHA-1: it is compared, and proves nothing.
    const bool proves = pin && pin->algorithm() != base::HashAlgorithm::sha1;
    tarball.verified = proves ? model::Verified::upstream_digest : model::Verified::none;
    tarball.platform = platform_of(member.facts.limits, options);
  }
  rows.push_back({.row = std::move(tarball), .content = std::nullopt});
  rows.push_back(document(make_row(member, version_path(name, member.version), Kind::meta, k_json),
                          carried_version(member.object, file), origin));
  if (carried_notes(member.object, member.packument->time(member.version))) {
    // Without a digest: it may change between a lock and a bundle, which is no reason to refuse the bundle.
    FileRow notes = make_row(member, notes_path(name, member.version), Kind::tag, k_json);
    notes.origin = origin.to_string();
    rows.push_back({.row = std::move(notes), .content = std::nullopt});
  }
  return rows;
}

ResolvedFile tag_row(RegistryClient& client, const Member& member, const std::string& tag) {
  const std::string& name = member.packument->name();
  return document(make_row(member, version_path(name, tag), Kind::tag, k_json),
                  carried_version(member.object, tarball_name(name, member.version, member.facts)),
                  client.document_url(name));
}

}  // namespace airlock::ecosystem::npm
