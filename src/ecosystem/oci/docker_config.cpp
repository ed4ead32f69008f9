#include "ecosystem/oci/docker_config.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::oci {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr base::JsonLimits k_config_json{.bytes = 4 * 1024 * 1024, .depth = 32, .members = 10'000};

// The text itself is left out of every message here: it holds passwords.
Error malformed(std::string_view name, std::string_view cause) {
  return Error(ErrorCode::malformed, fmt::format("{}: {}", name, cause));
}

std::string text_member(const Json& object, const char* key, std::string_view name) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return "";
  }
  if (!found->is_string()) {
    throw malformed(name, fmt::format("'{}' is no string", key));
  }
  return found->get<std::string>();
}

Credentials read_auth(const Json& object, std::string_view name) {
  if (!object.is_object()) {
    throw malformed(name, "an entry of 'auths' is no object");
  }
  Credentials result;
  result.username = text_member(object, "username", name);
  result.password = base::Secret(text_member(object, "password", name));
  result.identity_token = base::Secret(text_member(object, "identitytoken", name));
  result.registry_token = base::Secret(text_member(object, "registrytoken", name));
  if (const std::string auth = text_member(object, "auth", name); !auth.empty()) {
    const std::optional<std::string> decoded = base::base64_decode(auth);
    const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
    if (colon == std::string::npos) {
      throw malformed(name, "an 'auth' is not base64 of USER:PASSWORD");
    }
    result.username = decoded->substr(0, colon);
    std::string password = decoded->substr(colon + 1);
    // docker itself drops the zero bytes that old versions padded with.
    password.erase(std::find_if(password.rbegin(), password.rend(), [](char c) { return c != '\0'; }).base(),
                   password.end());
    result.password = base::Secret(std::move(password));
  }
  return result;
}

std::string read_helper_name(const Json& value, std::string_view name) {
  const std::string helper = value.is_string() ? value.get<std::string>() : "";
  const bool plain = !helper.empty() && helper.front() != '.' && std::all_of(helper.begin(), helper.end(), [](char c) {
    return base::is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
  });
  if (!plain) {
    throw malformed(name, "a credential helper's name is no plain name");
  }
  return helper;
}

const Json* object_member(const Json& object, const char* key, std::string_view name) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return nullptr;
  }
  if (!found->is_object()) {
    throw malformed(name, fmt::format("'{}' is no object", key));
  }
  return &*found;
}

}  // namespace

DockerConfig DockerConfig::parse(std::string_view text, std::string_view name) {
  const Json object = base::parse_json(text, name, k_config_json);
  if (!object.is_object()) {
    throw malformed(name, "it is no JSON object");
  }
  DockerConfig result;
  if (const Json* auths = object_member(object, "auths", name)) {
    for (const auto& [server, value] : auths->items()) {
      Credentials credentials = read_auth(value, name);
      // Where a helper holds the secret, docker leaves an empty entry behind.
      if (!credentials.empty()) {
        result.auths.emplace(server_key(server), std::move(credentials));
      }
    }
  }
  if (const Json* helpers = object_member(object, "credHelpers", name)) {
    for (const auto& [server, value] : helpers->items()) {
      result.helpers.emplace(server_key(server), read_helper_name(value, name));
    }
  }
  if (const auto store = object.find("credsStore"); store != object.end() && *store != "" && !store->is_null()) {
    result.store = read_helper_name(*store, name);
  }
  return result;
}

std::string server_key(std::string_view server) {
  if (const std::size_t scheme = server.find("://"); scheme != std::string_view::npos) {
    server.remove_prefix(scheme + 3);
  }
  while (server.ends_with('/')) {
    server.remove_suffix(1);
  }
  for (std::string_view version : {"/v1", "/v2"}) {
    if (server.ends_with(version)) {
      server.remove_suffix(version.size());
    }
  }
  const std::size_t slash = server.find('/');
  std::string host = base::to_lower(server.substr(0, slash));
  if (host == "index.docker.io" || host == "registry-1.docker.io") {
    host = "docker.io";
  }
  return slash == std::string_view::npos ? host : host + std::string(server.substr(slash));
}

std::vector<std::string> credential_keys(std::string_view host, std::string_view repository) {
  std::vector<std::string> result;
  std::string key = std::string(host) + "/" + std::string(repository);
  while (true) {
    result.push_back(key);
    const std::size_t slash = key.rfind('/');
    if (slash == std::string::npos) {
      return result;
    }
    key.resize(slash);
  }
}

Credentials parse_helper_answer(std::string_view text, std::string_view name) {
  const Json object = base::parse_json(text, name, k_config_json);
  if (!object.is_object()) {
    throw malformed(name, "its answer is no JSON object");
  }
  Credentials result;
  result.username = text_member(object, "Username", name);
  base::Secret secret(text_member(object, "Secret", name));
  if (result.username == "<token>") {
    result.username.clear();
    result.identity_token = std::move(secret);
  } else {
    result.password = std::move(secret);
  }
  return result;
}

}  // namespace airlock::ecosystem::oci
