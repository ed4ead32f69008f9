// What upstreams have of a plugin: the newest version, the file for a platform, and what they say that it is.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "base/url.hpp"
#include "ecosystem/ecosystem.hpp"
#include "ecosystem/pulumi/plugin.hpp"
#include "ecosystem/pulumi/sources.hpp"

namespace airlock::ecosystem::pulumi {

struct ChecksumFile {
  base::Url url;
  std::string content;
};

struct ReleaseFile {
  base::Url url;
  std::optional<std::uint64_t> length;
  std::string pin;                     // "sha256:…", "sha1:…" where upstream states no more, or empty
  std::optional<base::Digest> sha256;  // what upstream states
  std::optional<ChecksumFile> checksums;
};

// For one run; thread-safe. Answers of upstreams are kept, so that each is asked once.
class Releases {
 public:
  explicit Releases(const ResolveContext& context) : m_context(context) {}

  // The newest release that its source names. Throws manifest where the source cannot tell, not_found, upstream.
  std::string newest(const Plugin& plugin, const base::SourcePosition& position);
  // Throws not_found, naming every place that was asked.
  ReleaseFile find(const Plugin& plugin, const model::Platform& platform, const base::SourcePosition& position);

 private:
  std::optional<std::string> text(const base::Url& url);  // nullopt: it is not there
  std::optional<base::Json> release(const std::string& url);
  void add_digest(const Source& source, const Plugin& plugin, const base::Url& folder, ReleaseFile& file);
  std::optional<base::Digest> digest_of_asset(const Source& source, const Plugin& plugin, const std::string& name);

  const ResolveContext& m_context;
  std::mutex m_mutex;
  std::map<std::string, std::optional<std::string>> m_texts;  // by URL
};

// The SHA-256, else the SHA-1, that a checksum file of a provider's release states for `name`: some have one, some the
// other, and "./" before the names. nullopt when it states neither. Throws upstream on two different ones. Pure.
std::optional<base::Digest> find_plugin_checksum(std::string_view text, std::string_view name);

}  // namespace airlock::ecosystem::pulumi
