// Credentials for registries, from where the user's other clients have theirs; the secrets stay in this
// process.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/reporter.hpp"
#include "ecosystem/oci/docker_config.hpp"
#include "model/manifest.hpp"

namespace airlock::ecosystem::oci {

// The manifest's word on a registry: under "host:port", else under "host"; nullptr where it has none.
const model::Upstream* find_upstream(const model::Manifest& manifest, const std::string& host);

// Looks, in this order, at the manifest's `upstreams` (names of environment variables), DOCKER_AUTH_CONFIG,
// REGISTRY_AUTH_FILE or podman's auth.json, and docker's config.json with its credential helpers. Files are
// read when first needed. Thread-safe; a helper is asked once for each registry.
class CredentialFinder {
 public:
  CredentialFinder(const model::Manifest& manifest, std::map<std::string, std::string> environment,
                   base::Reporter& reporter);

  // Empty where there are none. Throws config when an upstream names an environment variable that is not set,
  // or a file is malformed. A helper that cannot be run is a warning: most images need no credentials.
  Credentials find(const std::string& host, std::string_view repository);

 private:
  std::string variable(const std::string& name) const;
  Credentials from_upstream(const std::string& host) const;
  void read_configs();
  void read_config_file(const std::string& path);
  Credentials ask_helper(const std::string& helper, const std::string& server);

  const model::Manifest& m_manifest;
  std::map<std::string, std::string> m_environment;
  base::Reporter& m_reporter;
  std::mutex m_mutex;
  bool m_read = false;
  std::vector<DockerConfig> m_configs;
  std::map<std::string, Credentials> m_helper_answers;  // by helper and server
};

}  // namespace airlock::ecosystem::oci
