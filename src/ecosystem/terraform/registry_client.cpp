#include "ecosystem/terraform/registry_client.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/upstream_access.hpp"

namespace airlock::ecosystem::terraform {

using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Json;
using base::Url;

namespace {

constexpr std::size_t k_answer_limit = 16 * 1024 * 1024;  // bytes
constexpr std::string_view k_service = "providers.v1";

Json parse_answer(std::string_view body, const Url& url) {
  try {
    return base::parse_json(body, url.redacted(), {.bytes = k_answer_limit});
  } catch (const Error& error) {
    throw Error(ErrorCode::upstream, fmt::format("{} did not answer with JSON: {}", url.redacted(), error.message()));
  }
}

Url resolved(const Url& base, const std::string& reference) {
  const Url url = base.resolve(reference);
  if (url.scheme() != "https" && url.scheme() != "http") {
    throw Error(ErrorCode::upstream,
                fmt::format("{} points at '{}'", base.redacted(), base::printable(reference, 200)));
  }
  return url;
}

// "linux/arm/v7" is linux_arm to registries.
bool names_platform(const Json& object, const model::Platform& platform, std::string_view where) {
  return base::string_member(object, "os", where) == platform.os &&
         base::string_member(object, "arch", where) == platform.arch;
}

}  // namespace

Url parse_discovery(std::string_view body, const Url& url) {
  const Json document = parse_answer(body, url);
  std::string reference = base::string_member_or(document, k_service, "", url.redacted());
  if (reference.empty()) {
    throw Error(ErrorCode::not_found, fmt::format("{} has no registry of providers", url.host_port()));
  }
  reference += reference.ends_with('/') ? "" : "/";
  Url service = resolved(url, reference);
  if (!service.query().empty() || !service.path().ends_with('/')) {
    throw Error(ErrorCode::upstream, fmt::format("{} names no folder for its providers", url.redacted()));
  }
  return service;
}

std::vector<ListedVersion> parse_versions(std::string_view body, const Url& url) {
  const std::string where = url.redacted();
  const Json document = parse_answer(body, url);
  const Json& list = base::member(document, "versions", where);
  std::vector<ListedVersion> versions;
  if (!list.is_array()) {
    throw Error(ErrorCode::upstream, fmt::format("'versions' of {} is no list", where));
  }
  for (const Json& item : list) {
    const std::string text = base::string_member(item, "version", where);
    auto version = model::Version::parse(text);
    if (!is_provider_version(text) || !version) {
      continue;  // not a version that a client could ask for
    }
    ListedVersion listed{.version = std::move(*version), .platforms = {}};
    if (item.contains("platforms") && item["platforms"].is_array()) {
      for (const Json& platform : item["platforms"]) {
        listed.platforms.push_back(base::string_member(platform, "os", where) + "_" +
                                   base::string_member(platform, "arch", where));
      }
    }
    versions.push_back(std::move(listed));
  }
  return versions;
}

Package parse_package(std::string_view body, const Url& url, const model::Platform& platform) {
  const std::string where = url.redacted();
  const Json document = parse_answer(body, url);
  if (!names_platform(document, platform, where)) {
    throw Error(ErrorCode::upstream,
                fmt::format("{} answers for another platform than {}", where, platform.to_string()));
  }
  Package package;
  package.document = url;
  package.file_name = base::string_member(document, "filename", where);
  const std::string digest = base::string_member(document, "shasum", where);
  if (package.file_name.empty() || package.file_name.find('/') != std::string::npos || !Digest::is_sha256_hex(digest)) {
    throw Error(ErrorCode::upstream, fmt::format("{} names no file with its SHA-256", where));
  }
  package.sha256 = Digest::parse_sha256_hex(digest);
  package.archive = resolved(url, base::string_member(document, "download_url", where));
  package.checksums = resolved(url, base::string_member(document, "shasums_url", where));
  const std::string signature = base::string_member_or(document, "shasums_signature_url", "", where);
  if (!signature.empty()) {
    package.signature = resolved(url, signature);
  }
  if (document.contains("signing_keys") && document["signing_keys"].is_object()) {
    const Json& keys = document["signing_keys"];
    if (keys.contains("gpg_public_keys") && keys["gpg_public_keys"].is_array()) {
      for (const Json& key : keys["gpg_public_keys"]) {
        const std::string armour = base::string_member_or(key, "ascii_armor", "", where);
        package.keys += armour + (armour.empty() || armour.ends_with('\n') ? "" : "\n");
      }
    }
  }
  return package;
}

std::string token_variable(std::string_view host) {
  std::string name = "TF_TOKEN_";
  for (const char c : host) {
    name += c == '.' ? "_" : c == '-' ? "__" : std::string(1, c);
  }
  return name;
}

std::optional<RegistryClient::Answer> RegistryClient::get(const Url& url) {
  const Access access = ecosystem::access(m_context.manifest, m_context.environment, url);
  http::Request request;
  request.url = access.url;
  request.authorization = access.authorization;
  const auto token = m_context.environment.find(token_variable(url.host()));
  if (request.authorization.empty() && token != m_context.environment.end() && access.url.origin() == url.origin()) {
    request.authorization = base::Secret("Bearer " + token->second);
  }
  request.headers.set("Accept", "application/json");
  request.body_limit = k_answer_limit;
  http::Response response = m_context.http.send(request);
  if (response.status == 404 || response.status == 410) {
    return std::nullopt;
  }
  http::expect_status(response, {200}, fmt::format("GET {}", access.url.redacted()));
  // Behind an entry of `upstreams` the address that was asked for still is what references are relative to.
  return Answer{.body = std::move(response.body), .base = response.url == access.url ? url : response.url};
}

Url RegistryClient::service(const std::string& host) {
  {
    const std::scoped_lock lock(m_mutex);
    if (const auto known = m_services.find(host); known != m_services.end()) {
      return known->second;
    }
  }
  const Url url = Url::parse(fmt::format("https://{}/.well-known/terraform.json", host));
  const auto answer = get(url);
  if (!answer) {
    throw Error(ErrorCode::not_found, fmt::format("{} is no registry: it has no {}", host, url.redacted()));
  }
  const Url service = parse_discovery(answer->body, answer->base);
  const std::scoped_lock lock(m_mutex);
  return m_services.emplace(host, service).first->second;
}

std::vector<ListedVersion> RegistryClient::versions(const Provider& provider) {
  {
    const std::scoped_lock lock(m_mutex);
    if (const auto known = m_versions.find(provider); known != m_versions.end()) {
      return known->second;
    }
  }
  const Url url = service(provider.host).resolve(fmt::format("{}/{}/versions", provider.namespace_, provider.type));
  const auto answer = get(url);
  if (!answer) {
    throw Error(ErrorCode::not_found, fmt::format("there is no provider '{}'", provider.to_string()))
        .with_hint(
            "is the name right? Providers of OpenTofu and of Terraform come from registries of their own; `tool` "
            "says which one a name without a host means");
  }
  auto versions = parse_versions(answer->body, answer->base);
  const std::scoped_lock lock(m_mutex);
  return m_versions.emplace(provider, std::move(versions)).first->second;
}

std::string RegistryClient::platforms_of(const Provider& provider, const std::string& version) {
  try {
    for (const ListedVersion& listed : versions(provider)) {
      if (listed.version.text() == version) {
        return listed.platforms.empty() ? "" : "it has " + base::join(listed.platforms, ", ");
      }
    }
  } catch (const Error&) {
    return "";  // what failed first is what is told
  }
  return "the registry does not list that version";
}

Package RegistryClient::package(const Provider& provider, const std::string& version, const model::Platform& platform) {
  const Url url = service(provider.host)
                      .resolve(fmt::format("{}/{}/{}/download/{}/{}", provider.namespace_, provider.type,
                                           base::percent_encode(version), platform.os, platform.arch));
  const auto answer = get(url);
  if (!answer) {
    throw Error(ErrorCode::not_found,
                fmt::format("there is no '{}' {} for {}", provider.to_string(), version, platform.to_string()))
        .with_hint(platforms_of(provider, version));
  }
  Package package = parse_package(answer->body, answer->base, platform);
  package.document = url;
  return package;
}

}  // namespace airlock::ecosystem::terraform
