#include "ecosystem/oci/registry_client.hpp"

#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "ecosystem/oci/media_types.hpp"
#include "ecosystem/oci/reference.hpp"
#include "ecosystem/oci/registry_errors.hpp"

namespace airlock::ecosystem::oci {

using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_pages_of_listing = 10'000;       // pages of one listing
constexpr std::size_t k_tag_limit = 1'000'000;           // tags of one repository
constexpr std::size_t k_referrers_of_manifest = 10'000;  // referrers of one manifest

Digest digest_of(std::string_view bytes, base::HashAlgorithm algorithm) {
  base::Hasher hasher(algorithm);
  hasher.update(bytes);
  return hasher.finish();
}

// What the registry itself says that the content is; nullopt where it says nothing usable.
std::optional<Digest> stated_digest(const http::Response& response) {
  const std::optional<std::string> stated = response.headers.find("Docker-Content-Digest");
  return stated ? parse_content_digest(*stated) : std::nullopt;
}

}  // namespace

std::optional<base::Url> next_page(const http::Headers& headers, const base::Url& page) {
  for (const std::string& field : headers.all("Link")) {
    // A target may itself hold a comma, so links are told apart by their brackets.
    for (std::size_t open = field.find('<'); open != std::string::npos;) {
      const std::size_t close = field.find('>', open);
      if (close == std::string::npos) {
        break;
      }
      const std::size_t following = field.find('<', close);
      const std::string parameters = base::to_lower(std::string_view(field).substr(close + 1, following - close - 1));
      if (parameters.find("rel=\"next\"") != std::string::npos || parameters.find("rel=next") != std::string::npos) {
        base::Url next = page.resolve(field.substr(open + 1, close - open - 1));
        if (next.origin() != page.origin()) {
          throw Error(ErrorCode::upstream,
                      fmt::format("{} continues its list at another host, {}", page.redacted(), next.redacted()));
        }
        return next;
      }
      open = following;
    }
  }
  return std::nullopt;
}

std::vector<std::string> parse_tag_page(std::string_view body, std::string_view what) {
  const base::Json object = base::parse_json(body, what);
  if (!object.is_object()) {
    throw Error(ErrorCode::upstream, fmt::format("{} is no JSON object", what));
  }
  std::vector<std::string> result;
  const auto tags = object.find("tags");
  if (tags != object.end() && tags->is_array()) {  // null: an empty repository
    for (const base::Json& tag : *tags) {
      if (tag.is_string() && is_tag(tag.get<std::string>())) {
        result.push_back(tag.get<std::string>());
      }
    }
  }
  return result;
}

RegistryClient::RegistryClient(http::Client& http, base::Url registry, Authenticator::FindCredentials credentials,
                               std::string how_to_log_in)
    : m_http(http), m_registry(registry.resolve("/")),
      m_authenticator(http, m_registry, std::move(credentials), std::move(how_to_log_in)) {}

base::Url RegistryClient::url(const std::string& path) const {
  return m_registry.resolve(path);
}

base::Url RegistryClient::content_url(Source::Part part, const std::string& repository, const Digest& digest) const {
  return url(fmt::format("/v2/{}/{}/{}", repository, part == Source::Part::manifests ? "manifests" : "blobs",
                         digest.to_string()));
}

http::Response RegistryClient::send(http::Request request, const Scope& scope) {
  return m_authenticator.send(std::move(request), scope);
}

std::optional<FetchedManifest> RegistryClient::manifest(const std::string& repository, std::string_view reference,
                                                        const std::optional<Digest>& digest) {
  http::Request request;
  request.url = url(fmt::format("/v2/{}/manifests/{}", repository, reference));
  request.headers.set("Accept", manifest_accept());
  request.body_limit = k_manifest_limit;
  const http::Response response = send(request, pull_scope(repository));
  if (response.status == 404) {
    return std::nullopt;
  }
  if (response.status != 200) {
    throw unexpected_answer(response, fmt::format("the manifest of {}:{} could not be had", repository, reference));
  }
  FetchedManifest result;
  result.media_type = plain_media_type(response.headers.find("Content-Type").value_or(""));
  result.sha256 = base::sha256(response.body);
  const std::optional<Digest> expected = digest ? digest : stated_digest(response);
  result.digest = expected ? digest_of(response.body, expected->algorithm()) : result.sha256;
  if (expected && *expected != result.digest) {
    throw Error(ErrorCode::tampered,
                fmt::format("{} gave {} bytes with the digest {}, but they should have {}", response.url.redacted(),
                            response.body.size(), result.digest.to_string(), expected->to_string()))
        .with_hint("a proxy or the registry changed the manifest; nothing of it was used");
  }
  if (!digest) {
    result.digest = result.sha256;  // a tag's content is always known by SHA-256 here
  }
  result.verified = expected ? model::Verified::upstream_digest : model::Verified::none;
  result.bytes = response.body;
  return result;
}

std::optional<Digest> RegistryClient::manifest_digest(const std::string& repository, const std::string& reference) {
  http::Request request;
  request.method = "HEAD";
  request.url = url(fmt::format("/v2/{}/manifests/{}", repository, reference));
  request.headers.set("Accept", manifest_accept());
  const http::Response response = send(request, pull_scope(repository));
  if (response.status == 404) {
    return std::nullopt;
  }
  if (response.status == 200) {
    if (const std::optional<Digest> stated = stated_digest(response)) {
      return stated;
    }
  }
  // Some registries state no digest, or answer HEAD with an error; GET is the request that all of them know.
  const std::optional<FetchedManifest> content = manifest(repository, reference);
  return content ? std::optional(content->digest) : std::nullopt;
}

// Calls `on_page` for each page that was answered with 200; returns the last answer, which is another where
// the listing is not to be had.
template <typename OnPage>
http::Response RegistryClient::each_page(base::Url first, const Scope& scope, std::string_view accept,
                                         std::string_view what, OnPage&& on_page) {
  std::optional<base::Url> next = std::move(first);
  for (std::size_t pages = 0;; ++pages) {
    if (pages == k_pages_of_listing) {
      throw Error(ErrorCode::limit, fmt::format("{} has more than {} pages", what, k_pages_of_listing));
    }
    http::Request request;
    request.url = *next;
    request.headers.set("Accept", std::string(accept));
    http::Response response = send(request, scope);
    if (response.status != 200 || !on_page(response)) {
      return response;
    }
    std::optional<base::Url> following = next_page(response.headers, *next);
    if (!following || following->to_string() == next->to_string()) {
      return response;
    }
    next = std::move(following);
  }
}

std::vector<std::string> RegistryClient::tags(const std::string& repository) {
  const std::string what = fmt::format("the list of tags of {} at {}", repository, m_registry.host_port());
  std::vector<std::string> result;
  const http::Response last = each_page(
      url(fmt::format("/v2/{}/tags/list?n=1000", repository)), pull_scope(repository), "application/json", what,
      [&](const http::Response& page) {
        std::vector<std::string> more = parse_tag_page(page.body, what);
        result.insert(result.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
        if (result.size() > k_tag_limit) {
          throw Error(ErrorCode::limit, fmt::format("{} has more than {} entries", what, k_tag_limit));
        }
        return !more.empty();
      });
  if (last.status != 200) {
    throw unexpected_answer(last, what + " could not be had");
  }
  return result;
}

std::optional<std::vector<Descriptor>> RegistryClient::referrers(const std::string& repository, const Digest& subject) {
  const std::string what = fmt::format("the referrers of {}@{}", repository, subject.to_string());
  std::vector<Descriptor> result;
  bool is_list = true;
  const http::Response last = each_page(
      url(fmt::format("/v2/{}/referrers/{}", repository, subject.to_string())), pull_scope(repository), k_oci_index,
      what, [&](const http::Response& page) {
        // Registries that know no referrers have been seen to answer 200 with a page for people.
        is_list = plain_media_type(page.headers.find("Content-Type").value_or("")) == k_oci_index;
        if (!is_list) {
          return false;
        }
        std::vector<Descriptor> more = parse_descriptor_list(page.body, what);
        result.insert(result.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
        if (result.size() > k_referrers_of_manifest) {
          throw Error(ErrorCode::limit, fmt::format("{} are more than {}", what, k_referrers_of_manifest));
        }
        return true;
      });
  // "Enabling the Referrers API": 404 says that there is no such API. The others are what registries answer
  // to a path that they do not know.
  const bool no_such_api =
      last.status == 404 || last.status == 400 || last.status == 405 || last.status == 406 || last.status == 501;
  if (no_such_api || (last.status == 200 && !is_list)) {
    return std::nullopt;
  }
  if (last.status != 200) {
    throw unexpected_answer(last, what + " could not be asked for");
  }
  return result;
}

}  // namespace airlock::ecosystem::oci
