#include "ecosystem/tool/client_config.hpp"

#include <fmt/format.h>

namespace airlock::ecosystem::tool {

ClientConfig client_config(const ClientConfigRequest& request) {
  const std::string base = fmt::format("{}://{}", request.mirror.scheme(), request.mirror.host_port());
  const std::string ca = request.ca_file.empty() ? "" : fmt::format(" --cacert {}", request.ca_file.string());
  ClientConfig config;
  config.notes = {
      fmt::format("curl{} -fLO {}/tools/NAME/VERSION/FILE; {}/tools/ lists them, and "
                  "{}/tools/NAME/VERSION/SHA256SUMS checks them with sha256sum -c",
                  ca, base, base, base),
      "version managers (tenv, asdf, aqua, …) ask upstream which versions there are; install from the mirror "
      "instead, and turn off each tool's own check for updates (CHECKPOINT_DISABLE=1, PULUMI_SKIP_UPDATE_CHECK=true)",
  };
  config.environment = {{"CHECKPOINT_DISABLE", "1"}, {"PULUMI_SKIP_UPDATE_CHECK", "true"}};
  return config;
}

}  // namespace airlock::ecosystem::tool
