#include "ecosystem/oci/registries.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/oci/media_types.hpp"
#include "ecosystem/oci/reference.hpp"
#include "ecosystem/oci/tags.hpp"

namespace airlock::ecosystem::oci {

using base::Error;
using base::ErrorCode;
using base::Url;

const Registries::Registry& Registries::get(const std::string& host, PlainHttp plain) {
  Slot* slot = nullptr;
  {
    const std::lock_guard lock(m_mutex);
    std::unique_ptr<Slot>& entry = m_slots[host];
    if (!entry) {
      entry = std::make_unique<Slot>();
    }
    slot = entry.get();
  }
  // Outside the lock: a registry that is slow to answer holds up its own images only.
  std::call_once(slot->once, [&] { slot->registry = open(host, plain); });
  return slot->registry;
}

Url Registries::loopback_address(const std::string& host) {
  const Url secure = Url::parse("https://" + host + "/");
  http::Request request;
  request.url = secure.resolve("/v2/");
  request.retry = false;
  try {
    m_http.send(request);
    return secure;
  } catch (const Error& failure) {
    if (failure.code() == ErrorCode::interrupted) {
      throw;
    }
    const Url plain = Url::parse("http://" + host + "/");
    request.url = plain.resolve("/v2/");
    // A server that speaks TLS answers 400 to plain HTTP; then what was wrong with its TLS is the thing to
    // say.
    if (m_http.send(request).status == 400) {
      throw;
    }
    return plain;
  }
}

Registries::Registry Registries::open(const std::string& host, PlainHttp plain) {
  const model::Upstream* upstream = find_upstream(m_manifest, host);
  Registry result;
  Url address;
  if (upstream != nullptr && !upstream->url.empty()) {
    address = Url::parse(upstream->url);
    result.prefix = std::string(address.path());
    result.prefix.erase(0, result.prefix.find_first_not_of('/'));
    result.prefix.erase(result.prefix.find_last_not_of('/') + 1);
    if (result.prefix == "v2" || result.prefix.starts_with("v2/")) {
      result.prefix.erase(0, result.prefix.size() == 2 ? 2 : 3);
    }
    result.prefix += result.prefix.empty() ? "" : "/";
  } else if ((upstream != nullptr && upstream->plain_http) || plain == PlainHttp::yes) {
    address = Url::parse("http://" + host + "/");
  } else if (is_loopback(host)) {
    address = loopback_address(host);
  } else {
    address = Url::parse(fmt::format("https://{}/", host == k_docker_hub ? "registry-1.docker.io" : host));
  }
  result.origin_scheme = address.scheme();
  result.client = std::make_unique<RegistryClient>(
      m_http, address, [this, host](std::string_view repository) { return m_credentials.find(host, repository); },
      fmt::format("the image may be private, or its name wrong; what `docker login {0}` or `podman login "
                  "{0}` stores is "
                  "used here too",
                  host));
  return result;
}

RegistrySource::RegistrySource(const Registries::Registry& registry, std::string host, const std::string& repository)
    : m_registry(registry), m_host(std::move(host)), m_repository(repository), m_name(registry.prefix + repository) {}

std::optional<FetchedManifest> RegistrySource::by_tag(std::string_view tag) {
  return m_registry.client->manifest(m_name, tag);
}

// Docker Hub counts GET requests for manifests as pulls, and HEAD not.
std::optional<FetchedManifest> RegistrySource::look_for(std::string_view tag) {
  const std::optional<base::Digest> digest = m_registry.client->manifest_digest(m_name, std::string(tag));
  return digest ? by_digest(*digest) : std::nullopt;
}

std::optional<FetchedManifest> RegistrySource::by_digest(const base::Digest& digest) {
  return m_registry.client->manifest(m_name, digest.to_string(), digest);
}

std::vector<Descriptor> RegistrySource::referrers(const base::Digest& subject) {
  std::vector<Descriptor> result = m_registry.client->referrers(m_name, subject).value_or(std::vector<Descriptor>());
  // "Referrers Tag Schema". Asked for in any case: what was pushed before a registry learned the API may
  // stand only there.
  const std::optional<FetchedManifest> fallback = look_for(referrers_tag(subject));
  if (fallback) {
    const std::string name = fmt::format("{}/{}:{}", m_host, m_repository, referrers_tag(subject));
    const Manifest index = parse_manifest(fallback->bytes, fallback->media_type, name);
    result.insert(result.end(), index.children.begin(), index.children.end());
  }
  return result;
}

std::vector<std::string> RegistrySource::tags() {
  return m_registry.client->tags(m_name);
}

std::string RegistrySource::origin(Part part, const base::Digest& digest) const {
  return fmt::format("{}://{}/v2/{}/{}/{}", m_registry.origin_scheme, m_host, m_repository,
                     part == Part::manifests ? "manifests" : "blobs", digest.to_string());
}

}  // namespace airlock::ecosystem::oci
