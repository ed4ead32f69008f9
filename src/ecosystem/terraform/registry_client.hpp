// The provider registry protocol, client side: discovery, versions, and where a package and its proofs lie.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "base/url.hpp"
#include "ecosystem/ecosystem.hpp"
#include "ecosystem/terraform/provider.hpp"
#include "model/platform.hpp"
#include "model/version.hpp"

namespace airlock::ecosystem::terraform {

struct ListedVersion {
  model::Version version;
  std::vector<std::string> platforms;  // "linux_amd64"; empty where the registry does not say
};

struct Package {
  base::Url document;     // of this answer
  std::string file_name;  // upstream's
  base::Url archive;
  base::Digest sha256;  // as the registry states it; the checksum file must state the same
  base::Url checksums;
  std::optional<base::Url> signature;
  std::string keys;  // armoured, those that may have signed; empty: the registry names none
};

// For one run; thread-safe. What a registry said once is kept.
class RegistryClient {
 public:
  explicit RegistryClient(const ResolveContext& context) : m_context(context) {}

  // Throws not_found where the host is no registry or has no such provider, upstream for an answer out of form.
  std::vector<ListedVersion> versions(const Provider& provider);
  // Throws not_found where there is nothing for the platform.
  Package package(const Provider& provider, const std::string& version, const model::Platform& platform);

 private:
  struct Answer {
    std::string body;
    base::Url base;  // what relative references are relative to
  };
  std::optional<Answer> get(const base::Url& url);
  base::Url service(const std::string& host);
  std::string platforms_of(const Provider& provider, const std::string& version);  // those that are listed; ""

  const ResolveContext& m_context;
  std::mutex m_mutex;
  std::map<std::string, base::Url> m_services;  // by host
  std::map<Provider, std::vector<ListedVersion>> m_versions;
};

// The environment variable that gives the clients a token for a host: "TF_TOKEN_registry_my__site_example".
std::string token_variable(std::string_view host);

// Answers as they come, hostile; `url` is what they are relative to and stands in messages. Pure. Throw upstream or
// malformed.
base::Url parse_discovery(std::string_view body, const base::Url& url);
std::vector<ListedVersion> parse_versions(std::string_view body, const base::Url& url);
Package parse_package(std::string_view body, const base::Url& url, const model::Platform& platform);

}  // namespace airlock::ecosystem::terraform
