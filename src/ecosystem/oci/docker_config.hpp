// Where docker and podman keep registry credentials: config.json and auth.json, one format. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"

namespace airlock::ecosystem::oci {

struct Credentials {
  std::string username;
  base::Secret password;
  base::Secret identity_token;  // OAuth 2 refresh token, exchanged at the token service
  base::Secret registry_token;  // sent to the registry as it is

  bool empty() const { return password.empty() && identity_token.empty() && registry_token.empty(); }
};

struct DockerConfig {
  std::map<std::string, Credentials> auths;    // by server as `server_key` spells it; only such as hold something
  std::map<std::string, std::string> helpers;  // credHelpers: server to program suffix
  std::string store;                           // credsStore: program suffix; empty where there is none

  // Throws malformed; members that mean something else to docker are passed over. A helper's name that is no
  // plain file name throws, since it becomes part of a program's name.
  static DockerConfig parse(std::string_view text, std::string_view name);
};

// "https://index.docker.io/v1/" is "docker.io", "https://HOST/v2/" is "HOST"; "HOST/NAMESPACE" (podman)
// stays.
std::string server_key(std::string_view server);
// Keys under which credentials for a repository may stand, the narrowest first: "HOST/A/B", "HOST/A", "HOST".
std::vector<std::string> credential_keys(std::string_view host, std::string_view repository);
// What a credential helper's `get` answers: {"Username": …, "Secret": …}; the user name "<token>" marks an
// identity token. Throws malformed.
Credentials parse_helper_answer(std::string_view text, std::string_view name);

}  // namespace airlock::ecosystem::oci
