// One registry, spoken to as distribution-spec 1.1 says; both sides of a carry use it, to read and to push.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/url.hpp"
#include "ecosystem/oci/auth.hpp"
#include "ecosystem/oci/manifest.hpp"
#include "ecosystem/oci/source.hpp"
#include "http/client.hpp"

namespace airlock::ecosystem::oci {

// Repository names are the registry's own, prefixes included. Thread-safe.
class RegistryClient {
 public:
  // `registry` is the origin, "https://registry.example:5000"; its path is ignored.
  RegistryClient(http::Client& http, base::Url registry, Authenticator::FindCredentials credentials,
                 std::string how_to_log_in = "");

  // "Pulling manifests". nullopt for 404. The bytes are hashed and compared with `digest`, or with the digest
  // that the registry states for a tag: tampered. More than 4 MiB throws limit.
  std::optional<FetchedManifest> manifest(const std::string& repository, std::string_view reference,
                                          const std::optional<base::Digest>& digest = std::nullopt);
  // HEAD; the digest as stated, else that of a GET. nullopt for 404.
  std::optional<base::Digest> manifest_digest(const std::string& repository, const std::string& reference);
  // "Listing Tags", all pages. A repository that is not there throws not_found. At most 1,000,000 tags.
  std::vector<std::string> tags(const std::string& repository);
  // "Listing Referrers", all pages. nullopt where the registry has no such API, which is not the same as
  // none.
  std::optional<std::vector<Descriptor>> referrers(const std::string& repository, const base::Digest& subject);

  base::Url url(const std::string& path) const;  // "/v2/…" on this registry
  base::Url content_url(Source::Part part, const std::string& repository, const base::Digest& digest) const;
  // Sends with authorization for `scope`; any status but a second 401 is data.
  http::Response send(http::Request request, const Scope& scope);
  Authenticator& authenticator() { return m_authenticator; }
  http::Client& http() { return m_http; }

 private:
  template <typename OnPage>
  http::Response each_page(base::Url first, const Scope& scope, std::string_view accept, std::string_view what,
                           OnPage&& on_page);

  http::Client& m_http;
  base::Url m_registry;
  Authenticator m_authenticator;
};

// The target of `Link: <…>; rel="next"` (RFC 8288), resolved against `page`; nullopt where there is none. One
// that leads to another origin throws upstream.
std::optional<base::Url> next_page(const http::Headers& headers, const base::Url& page);

// The legal tags of one page of "Listing Tags", in its order; those that are none cannot be asked for either. `what`
// stands in messages. Throws malformed, limit, upstream.
std::vector<std::string> parse_tag_page(std::string_view body, std::string_view what);

}  // namespace airlock::ecosystem::oci
