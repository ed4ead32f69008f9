// How a manifest's `upstreams` change the way to a host: another address, other certificates, credentials. For
// ecosystems that fetch plain URLs; registries with sign-in protocols of their own add those.
#pragma once

#include <map>
#include <string>

#include "base/secret.hpp"
#include "base/url.hpp"
#include "http/client.hpp"
#include "model/manifest.hpp"

namespace airlock::ecosystem {

using Environment = std::map<std::string, std::string>;

// Certificates and proxies for http::Client, for each upstream by its own host and by that of its `url`.
http::ClientOptions client_options(const model::Manifest& manifest);

// The value of Authorization that an upstream's environment variables give: "Bearer …" or "Basic …", empty where it
// names none. Throws config when a named variable is not set.
base::Secret authorization(const model::Upstream& upstream, const Environment& environment);

struct Access {
  base::Url url;               // where to ask
  base::Secret authorization;  // for that origin only
};

// `url` as the manifest wants it reached: an upstream of its host ("host:port" first, then "host") with a `url`
// replaces scheme, host and port, and puts its path in front; with `plain_http`, https becomes http. Credentials are
// those of that upstream, else of the upstream of the new host; for an http address only where the manifest wants it
// so, by `plain_http` or an http `url`.
Access access(const model::Manifest& manifest, const Environment& environment, const base::Url& url);

}  // namespace airlock::ecosystem
