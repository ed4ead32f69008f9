// What the Go client of this host is told of proxies and checksum databases: `go env`, so that its configuration file,
// the environment and its built-in defaults count as they do for the client itself.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "base/url.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::go {

using GoEnv = std::map<std::string, std::string>;

std::string value_of(const GoEnv& env, const std::string& name);  // "" where it is not set

// The variables of `go env -json`, run with the GO… variables of `environment`; those alone where there is no client.
GoEnv read_go_env(const std::map<std::string, std::string>& environment);

struct ProxyElement {
  base::Url url;
  base::Secret authorization;  // from user information in GOPROXY
  bool is_direct = false;      // or "off"; nothing behind it counts
  bool is_off = false;
  bool any_failure_goes_on = false;  // "|" stands behind it; with "," only "not found" does
};

// Of GOPROXY. Throws config on what is no URL, and unsupported on file URLs. `origin` says where the list is from.
std::vector<ProxyElement> parse_proxy_list(std::string_view list);

// "user:password" for a host of a netrc file (as curl and the Go client read it); empty where it has none.
base::Secret find_in_netrc(std::string_view text, std::string_view host);
// The value of Authorization for user and password.
base::Secret basic_authorization(std::string_view user_and_password);

// The verifier key "NAME+HASH+KEY" of checksum database `name` that is built into the client program `program`; empty
// where it has none. The hash in it shows that the whole key was found.
std::string find_built_in_key(const std::filesystem::path& program, std::string_view name);

}  // namespace airlock::ecosystem::go
