#include "ecosystem/upstream_access.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem {

using base::Error;
using base::ErrorCode;
using base::Secret;
using base::Url;
using model::Upstream;

namespace {

const Upstream* find_upstream(const model::Manifest& manifest, const Url& url) {
  for (const std::string& key : {fmt::format("{}:{}", url.host(), url.port()), url.host()}) {
    const auto found = manifest.upstreams.find(key);
    if (found != manifest.upstreams.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

std::string variable(const Upstream& upstream, const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  if (found == environment.end() || found->second.empty()) {
    throw Error(ErrorCode::config,
                fmt::format("the environment variable {}, which upstream '{}' names, is not set", name, upstream.name))
        .at(upstream.position)
        .with_hint("set it before running this command, or take it out of the manifest where no sign-in is needed");
  }
  return found->second;
}

Url redirected(const Upstream& upstream, const Url& url) {
  const std::string rest = url.path() + (url.query().empty() ? "" : "?" + url.query());
  if (!upstream.url.empty()) {
    std::string prefix = upstream.url;
    while (prefix.ends_with('/')) {
      prefix.pop_back();
    }
    return Url::parse(prefix + rest);
  }
  if (upstream.plain_http && url.scheme() == "https") {
    return Url::parse(fmt::format("http://{}{}", url.host_port(), rest));
  }
  return url;
}

}  // namespace

http::ClientOptions client_options(const model::Manifest& manifest) {
  http::ClientOptions options;
  for (const auto& [name, upstream] : manifest.upstreams) {
    http::HostOptions host;
    host.ca_file = upstream.ca_file;
    host.proxy = upstream.proxy;
    host.insecure_tls = upstream.insecure_tls;
    options.hosts.try_emplace(name, host);
    if (name == "docker.io") {  // the hosts that this name stands for
      options.hosts.try_emplace("registry-1.docker.io", host);
      options.hosts.try_emplace("auth.docker.io", host);
    }
    if (!upstream.url.empty()) {
      options.hosts.try_emplace(Url::parse(upstream.url).host_port(), host);
    }
  }
  return options;
}

Secret authorization(const Upstream& upstream, const Environment& environment) {
  if (!upstream.token_env.empty()) {
    return Secret("Bearer " + variable(upstream, environment, upstream.token_env));
  }
  if (!upstream.username_env.empty()) {
    return Secret("Basic " + base::base64_encode(variable(upstream, environment, upstream.username_env) + ":" +
                                                 variable(upstream, environment, upstream.password_env)));
  }
  return {};
}

Access access(const model::Manifest& manifest, const Environment& environment, const Url& url) {
  Access access{.url = url, .authorization = {}};
  if (const Upstream* upstream = find_upstream(manifest, url)) {
    access.url = redirected(*upstream, url);
    // Whoever names an http address of a host that is signed in to over TLS would have the secret sent in the clear.
    const bool in_the_clear = access.url.scheme() == "http" && upstream->url.empty() && !upstream->plain_http;
    if (!in_the_clear) {
      access.authorization = authorization(*upstream, environment);
    }
  }
  if (access.authorization.empty() && access.url.origin() != url.origin()) {
    if (const Upstream* upstream = find_upstream(manifest, access.url)) {
      access.authorization = authorization(*upstream, environment);
    }
  }
  return access;
}

}  // namespace airlock::ecosystem
