#include "ecosystem/terraform/client_config.hpp"

#include <fmt/format.h>

#include "ecosystem/terraform/provider.hpp"

namespace airlock::ecosystem::terraform {

namespace {

constexpr const char* k_file = "terraform.rc";

// No `direct`, which would be a way out whatever it excludes. "*/*" would mean the default registry only.
std::string cli_configuration(const std::string& mirror) {
  std::string text = fmt::format("# For OpenTofu and Terraform: providers come from the mirror and nowhere else.\n"
                                 "disable_checkpoint           = true\n"
                                 "disable_checkpoint_signature = true\n\n"
                                 "provider_installation {{\n"
                                 "  network_mirror {{\n"
                                 "    url     = \"{}/tf/providers/\"\n"
                                 "    include = [\"*/*/*\"]\n"
                                 "  }}\n"
                                 "}}\n\n"
                                 "# Modules of these registries are looked for at the mirror too, which has none.\n",
                                 mirror);
  for (const std::string_view host : {k_opentofu_registry, k_terraform_registry}) {
    text += fmt::format("host \"{0}\" {{\n"
                        "  services = {{\n"
                        "    \"modules.v1\"   = \"{1}/tf/v1/{0}/modules/\"\n"
                        "    \"providers.v1\" = \"{1}/tf/v1/{0}/providers/\"\n"
                        "  }}\n"
                        "}}\n",
                        host, mirror);
  }
  return text;
}

}  // namespace

ClientConfig client_config(const ClientConfigRequest& request) {
  const std::string mirror = fmt::format("{}://{}", request.mirror.scheme(), request.mirror.host_port());
  ClientConfig config;
  config.files = {{.name = k_file, .content = cli_configuration(mirror), .install_as = "/etc/airlock/terraform.rc"}};
  config.environment = {{"CHECKPOINT_DISABLE", "1"}};
  if (!request.folder.empty()) {
    config.environment["TF_CLI_CONFIG_FILE"] = (request.folder / "terraform" / k_file).string();
  }
  if (!request.ca_file.empty()) {
    config.environment["SSL_CERT_FILE"] = request.ca_file.string();
  }
  config.notes = {
      "OpenTofu and Terraform read the file that TF_CLI_CONFIG_FILE names, else .tofurc or .terraformrc in "
      "the "
      "user's home; with any other file, or with none, they ask the public registries",
      fmt::format("a lock file that is made against {} holds the hashes of this platform only; bring the one "
                  "from the connected side, or run `providers lock -net-mirror={}/tf/providers/ -platform=…`",
                  mirror, mirror),
      "modules from a registry, git or an archive, and `cloud` or `remote` blocks, are addresses of their "
      "own: "
      "keep modules in the working tree",
  };
  if (request.mirror.scheme() != "https") {
    config.notes.push_back("clients take providers over TLS only; run the mirror with --tls-self-signed, or "
                           "with a certificate of `airlock tls`");
  }
  return config;
}

}  // namespace airlock::ecosystem::terraform
