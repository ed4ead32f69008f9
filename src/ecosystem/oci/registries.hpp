// The registries of one run: how each host is reached, and one client for each.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "ecosystem/oci/credentials.hpp"
#include "ecosystem/oci/registry_client.hpp"
#include "http/client.hpp"
#include "model/manifest.hpp"

namespace airlock::ecosystem::oci {

// Whether an address without TLS is right for a host, when neither the manifest nor the host itself says so.
enum class PlainHttp { no, yes };

class Registries {
 public:
  struct Registry {
    std::unique_ptr<RegistryClient> client;
    std::string prefix;         // "hub-cache/" in front of every repository name; empty for most
    std::string origin_scheme;  // "https" or "http", for the rows' origins
  };

  Registries(http::Client& http, const model::Manifest& manifest, CredentialFinder& credentials)
      : m_http(http), m_manifest(manifest), m_credentials(credentials) {}

  // `host` as in references. The manifest's `upstreams` may give another address (whose path is put in front
  // of repository names) or say plain_http; Docker Hub is registry-1.docker.io; a loopback host is tried with
  // TLS first and without it next, as docker does. Asked once for each host. Thread-safe.
  const Registry& get(const std::string& host, PlainHttp plain = PlainHttp::no);

 private:
  Registry open(const std::string& host, PlainHttp plain);
  base::Url loopback_address(const std::string& host);

  struct Slot {
    std::once_flag once;
    Registry registry;
  };
  http::Client& m_http;
  const model::Manifest& m_manifest;
  CredentialFinder& m_credentials;
  std::mutex m_mutex;
  std::map<std::string, std::unique_ptr<Slot>> m_slots;
};

// One repository of one registry.
class RegistrySource : public Source {
 public:
  // `registry` outlives this.
  RegistrySource(const Registries::Registry& registry, std::string host, const std::string& repository);

  std::optional<FetchedManifest> by_tag(std::string_view tag) override;
  std::optional<FetchedManifest> look_for(std::string_view tag) override;
  std::optional<FetchedManifest> by_digest(const base::Digest& digest) override;
  std::vector<Descriptor> referrers(const base::Digest& subject) override;
  std::vector<std::string> tags() override;
  std::string origin(Part part, const base::Digest& digest) const override;

 private:
  const Registries::Registry& m_registry;
  std::string m_host;
  std::string m_repository;  // as in references
  std::string m_name;        // as the registry knows it
};

}  // namespace airlock::ecosystem::oci
