#include "ecosystem/pulumi/client_config.hpp"

#include <fmt/format.h>

namespace airlock::ecosystem::pulumi {

ClientConfig client_config(const ClientConfigRequest& request) {
  const std::string mirror = fmt::format("{}://{}", request.mirror.scheme(), request.mirror.host_port());
  ClientConfig config;
  config.environment = {
      // Every source of plugins, whatever a package, a program or a state names. The CLI splits at each "," and "=",
      // and ends with a panic where that does not come out even: neither may stand in the pattern or the address.
      {"PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES", fmt::format(".*={}/pulumi/plugins", mirror)},
      {"PULUMI_SKIP_UPDATE_CHECK", "true"},
      {"PULUMI_DISABLE_REGISTRY_RESOLVE", "true"},
      {"PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK", "true"},
      {"PULUMI_NEO", "false"},
      {"PULUMI_COPILOT", "false"},
      {"PULUMI_SUPPRESS_NEO_LINK", "true"},
      // Templates are cloned; where the site has none of its own, the mirror says no instead of the outside.
      {"PULUMI_TEMPLATE_GIT_REPOSITORY", fmt::format("{}/git/pulumi/templates.git", mirror)},
      {"PULUMI_POLICY_TEMPLATE_GIT_REPOSITORY", fmt::format("{}/git/pulumi/templates-policy.git", mirror)},
      {"PULUMI_PACKAGE_TEMPLATE_GIT_REPOSITORY", fmt::format("{}/git/pulumi/templates-packages.git", mirror)},
  };
  if (!request.ca_file.empty()) {
    config.environment["SSL_CERT_FILE"] = request.ca_file.string();
  }
  config.notes = {
      fmt::format("plugins come from {}/pulumi/plugins/ by exact version; a plugin without a version makes the "
                  "CLI look for the newest, which a mirror of files cannot tell it: pin versions",
                  mirror),
      "set PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true to make a missing plugin an error at once instead "
      "of "
      "a download from the mirror; it is left unset, so that programs get what they need",
      "without PULUMI_BACKEND_URL the CLI signs in at the public service; set it to a local folder, a bucket "
      "or a "
      "backend of the site, and PULUMI_CONFIG_PASSPHRASE with it",
      "package managers that it runs (npm, pip, go, …) need their own settings; so does what an SDK's dynamic "
      "provider for Terraform fetches, which asks the registries of its own accord",
  };
  return config;
}

}  // namespace airlock::ecosystem::pulumi
