#include "ecosystem/npm/client_config.hpp"

#include <fmt/format.h>

namespace airlock::ecosystem::npm {

namespace {

// One file for npm, pnpm and yarn 1. Only settings that npm knows: it warns about others.
std::string npmrc(const std::string& registry, const std::string& ca_file) {
  std::string text =
      fmt::format("# npm, pnpm and yarn 1 ask this mirror only.\n"
                  "registry={}\n"
                  "# Lock files name the registry that they were made with; it is replaced by this one.\n"
                  "replace-registry-host=always\n"
                  "# Lock files written here work on the other side as well.\n"
                  "omit-lockfile-registry-resolved=true\n"
                  "# There are no advisories here, and nobody is to be told what is installed.\n"
                  "audit=false\nfund=false\nupdate-notifier=false\n",
                  registry);
  if (!ca_file.empty()) {
    text += fmt::format("cafile={}\n", ca_file);
  }
  return text;
}

}  // namespace

ClientConfig client_config(const ClientConfigRequest& request) {
  const std::string mirror = request.mirror.origin();
  const std::string registry = mirror + "/npm/";
  const std::string ca_file = request.ca_file.string();
  const std::string node_headers = mirror + "/files/node-headers";
  ClientConfig config;
  config.environment = {
      // npm and pnpm; before every .npmrc, but for the registries of scopes.
      {"npm_config_registry", registry},
      {"npm_config_replace_registry_host", "always"},
      {"npm_config_audit", "false"},
      {"npm_config_fund", "false"},
      {"npm_config_update_notifier", "false"},
      // yarn 1, yarn 4, corepack.
      {"YARN_REGISTRY", registry},
      {"YARN_NPM_REGISTRY_SERVER", mirror + "/npm"},
      {"YARN_ENABLE_TELEMETRY", "0"},
      {"COREPACK_NPM_REGISTRY", mirror + "/npm"},
      // Headers of Node.js for packages that are compiled at installation.
      {"npm_package_config_node_gyp_dist_url", node_headers},
      {"NODEJS_ORG_MIRROR", node_headers},
      {"NVM_NODEJS_ORG_MIRROR", node_headers},
  };
  if (!ca_file.empty()) {
    config.environment["NODE_EXTRA_CA_CERTS"] = ca_file;
    config.environment["npm_config_cafile"] = ca_file;
    config.environment["YARN_HTTPS_CA_FILE_PATH"] = ca_file;
  }
  if (request.mirror.scheme() == "http") {
    config.environment["YARN_UNSAFE_HTTP_WHITELIST"] = request.mirror.host();
  }
  if (!request.folder.empty()) {
    config.environment["NPM_CONFIG_USERCONFIG"] = (request.folder / "npm" / "npmrc").string();
  }
  config.files = {{"npmrc", npmrc(registry, ca_file), "/usr/local/etc/npmrc"}};
  config.notes = {
      "`npm config get globalconfig` tells where npmrc belongs on this host; ~/.npmrc does for one user.",
      "a project's own .npmrc wins over these files; lines such as @SCOPE:registry=… in it must go.",
      "a lock file whose addresses have a path before the package's name (of another proxy) keeps that path and "
      "is "
      "answered with 404: take the `resolved` lines out of it, `integrity` protects the content.",
      "yarn 1 uses the addresses in yarn.lock as they stand: take the `resolved` lines out.",
      "dependencies from git and URLs, and install scripts that download programs, reach for their own addresses; "
      "use --ignore-scripts where that is unwanted.",
      fmt::format("packages that are compiled need the headers of Node.js: bring them as files below "
                  "node-headers/, or set nodedir; they are asked for at {}.",
                  node_headers),
  };
  return config;
}

}  // namespace airlock::ecosystem::npm
