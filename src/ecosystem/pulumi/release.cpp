#include "ecosystem/pulumi/release.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/checksums.hpp"
#include "ecosystem/remote_file.hpp"

namespace airlock::ecosystem::pulumi {

using base::Digest;
using base::Error;
using base::ErrorCode;
using base::HashAlgorithm;
using base::Json;
using base::SourcePosition;
using base::Url;

namespace {

constexpr std::size_t k_text_limit = 4 * 1024 * 1024;  // bytes of a checksum file or an answer about a release
constexpr std::size_t k_sha1_hex = 40;                 // characters

}  // namespace

std::optional<Digest> find_plugin_checksum(std::string_view text, std::string_view name) {
  if (auto sha256 = find_checksum(text, ChecksumFormat::sha256sums, name)) {
    return sha256;
  }
  std::optional<std::string> found;
  for (const std::string& raw : base::split(text, '\n')) {
    const std::string_view line = base::trim(raw);
    if (line.size() <= k_sha1_hex || (line[k_sha1_hex] != ' ' && line[k_sha1_hex] != '\t')) {
      continue;
    }
    const std::string hex = base::to_lower(line.substr(0, k_sha1_hex));
    std::string_view file = base::trim(line.substr(k_sha1_hex));
    file.remove_prefix(file.starts_with('*') ? 1 : 0);
    const std::size_t slash = file.rfind('/');
    file.remove_prefix(slash == std::string_view::npos ? 0 : slash + 1);
    if (file != name || !base::from_hex(hex)) {
      continue;
    }
    if (found && *found != hex) {
      throw Error(ErrorCode::upstream,
                  fmt::format("the checksum file states two digests for '{}'", base::printable(name)));
    }
    found = hex;
  }
  return found ? std::optional(Digest::parse("sha1:" + *found)) : std::nullopt;
}

std::optional<std::string> Releases::text(const Url& url) {
  const std::string key = url.to_string();
  {
    const std::scoped_lock lock(m_mutex);
    if (const auto known = m_texts.find(key); known != m_texts.end()) {
      return known->second;
    }
  }
  auto content = fetch_text(m_context, url, k_text_limit);
  const std::scoped_lock lock(m_mutex);
  return m_texts.emplace(key, std::move(content)).first->second;
}

std::optional<Json> Releases::release(const std::string& url) {
  const auto answer = text(Url::parse(url));
  return answer ? std::optional(base::parse_json(*answer, url, {.bytes = k_text_limit})) : std::nullopt;
}

std::string Releases::newest(const Plugin& plugin, const SourcePosition& position) {
  std::string asked;
  for (const Source& source : sources_of(plugin, position)) {
    if (source.releases.empty()) {
      continue;
    }
    const std::string url = source.releases + "/latest";
    asked += (asked.empty() ? "" : ", ") + url;
    const auto release = this->release(url);
    if (!release) {
      continue;
    }
    std::string version = base::string_member(*release, "tag_name", url);
    version.erase(0, version.starts_with('v') ? 1 : 0);
    if (!is_plugin_version(version)) {
      throw Error(ErrorCode::upstream,
                  fmt::format("{} names the version '{}', which is none", url, base::printable(version, 80)))
          .at(position)
          .with_hint(fmt::format("write the version that you want: '{}@VERSION'", plugin.name));
    }
    return version;
  }
  if (asked.empty()) {
    throw Error(ErrorCode::manifest,
                fmt::format("nothing tells the newest version of the plugin '{}'", plugin.to_string()))
        .at(position)
        .with_hint("a server of plain files has no list of versions; write '@VERSION' behind the name");
  }
  throw Error(ErrorCode::not_found,
              fmt::format("there is no release of the plugin '{}': {}", plugin.to_string(), asked))
      .at(position)
      .with_hint("is the name right? A plugin of another publisher needs its `server=URL`");
}

ReleaseFile Releases::find(const Plugin& plugin, const model::Platform& platform, const SourcePosition& position) {
  const std::string name = file_name(plugin, platform);
  std::string asked;
  for (const Source& source : sources_of(plugin, position)) {
    const Url folder = folder_url(source, plugin, platform, position);
    ReleaseFile file;
    file.url = Url::parse(folder.to_string() + "/" + base::percent_encode(name));
    try {
      file.length = probe_length(m_context, file.url);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::not_found) {
        throw;
      }
      asked += (asked.empty() ? "" : ", ") + file.url.redacted();
      continue;
    }
    add_digest(source, plugin, folder, file);
    return file;
  }
  throw Error(ErrorCode::not_found,
              fmt::format("there is no plugin '{}' for {}: {}", plugin.to_string(), platform.to_string(), asked))
      .at(position)
      .with_hint("is that version released for this platform? A plugin of another publisher needs its `server=URL`");
}

// A digest holds for the place that states it: the same version has been served with other bytes elsewhere.
void Releases::add_digest(const Source& source, const Plugin& plugin, const Url& folder, ReleaseFile& file) {
  const std::string name = base::percent_decode(file.url.file_name());
  std::optional<Digest> stated;
  if (source.has_checksums) {
    const Url url = Url::parse(folder.to_string() + "/" + base::percent_encode(checksums_name(plugin)));
    if (auto content = text(url)) {
      stated = find_plugin_checksum(*content, name);
      file.checksums = ChecksumFile{.url = url, .content = std::move(*content)};
    }
  }
  if ((!stated || stated->algorithm() != HashAlgorithm::sha256) && !source.releases.empty()) {
    if (auto digest = digest_of_asset(source, plugin, name)) {
      stated = digest;
    }
  }
  if (stated) {
    file.pin = stated->to_string();
    if (stated->algorithm() == HashAlgorithm::sha256) {
      file.sha256 = stated;
    }
  }
}

std::optional<Digest> Releases::digest_of_asset(const Source& source, const Plugin& plugin, const std::string& name) {
  const std::string url = fmt::format("{}/tags/v{}", source.releases, base::percent_encode(plugin.version));
  std::optional<Json> release;
  try {
    release = this->release(url);
  } catch (const Error& error) {
    // It allows few questions an hour to those who do not sign in; the release itself is had without it.
    m_context.reporter.warning(
        fmt::format("plugin '{}': no digest from {}: {}", plugin.to_string(), url, error.message()));
    return std::nullopt;
  }
  if (!release || !release->is_object() || !release->contains("assets") || !(*release)["assets"].is_array()) {
    return std::nullopt;
  }
  for (const Json& asset : (*release)["assets"]) {
    if (!asset.is_object() || base::string_member_or(asset, "name", "", url) != name) {
      continue;
    }
    const std::string digest = base::string_member_or(asset, "digest", "", url);
    constexpr std::string_view prefix = "sha256:";
    if (digest.starts_with(prefix) && Digest::is_sha256_hex(std::string_view(digest).substr(prefix.size()))) {
      return Digest::parse(digest);
    }
  }
  return std::nullopt;
}

}  // namespace airlock::ecosystem::pulumi
