// Files that are had by one GET of a URL.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/url.hpp"
#include "ecosystem/ecosystem.hpp"
#include "ecosystem/upstream_access.hpp"
#include "http/client.hpp"
#include "model/manifest.hpp"

namespace airlock::ecosystem {

// A file may be fetched in parts, by several threads. Where no digest will tell, all parts must come from one version
// of it: another entity tag, or time of modification where there is none, throws upstream.
class RemoteFile : public Fetchable {
 public:
  // `context`'s http and manifest outlive this. `length` of the whole where it is known.
  enum class Proof { digest, none };
  RemoteFile(const ResolveContext& context, base::Url url, std::optional<std::uint64_t> length,
             Proof proof = Proof::digest);
  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override;

 private:
  void require_same_version(const http::Headers& headers);

  http::Client& m_http;
  Access m_access;
  std::optional<std::uint64_t> m_length;
  const Proof m_proof;
  std::mutex m_mutex;
  std::optional<std::string> m_version;  // of the first part that came
};

// Asks with HEAD whether `url` is there and how long it is. Throws not_found when the server says that it is not, auth
// when it wants a sign-in; nullopt where it does not tell the length, or does not answer HEAD.
std::optional<std::uint64_t> probe_length(const ResolveContext& context, const base::Url& url);

// A small file as text. nullopt when it is not there; throws limit beyond `limit` bytes, and what Client throws.
std::optional<std::string> fetch_text(const ResolveContext& context, const base::Url& url, std::size_t limit);

// The URL of a manifest's entry or recipe; throws manifest at `position` on a malformed one, on another scheme than
// http and https, and on user information, which must not stand in a manifest.
base::Url checked_url(std::string_view text, const base::SourcePosition& position);

}  // namespace airlock::ecosystem
