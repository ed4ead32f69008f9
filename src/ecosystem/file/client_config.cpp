#include "ecosystem/file/client_config.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::ecosystem::file {

ClientConfig client_config(const ClientConfigRequest& request) {
  const std::string base = fmt::format("{}://{}", request.mirror.scheme(), request.mirror.host_port());
  const std::string ca = request.ca_file.empty() ? "" : fmt::format(" --cacert {}", request.ca_file.string());
  ClientConfig config;
  config.notes = {
      fmt::format("curl{} -fLO {}/files/PATH; {}/files/ lists them, and {}/files/FOLDER/SHA256SUMS checks a "
                  "folder with sha256sum -c",
                  ca, base, base, base),
      "a script that fetches from its own address keeps doing so; put the mirror's address and /files/ in front "
      "of HOST/PATH",
  };
  return config;
}

}  // namespace airlock::ecosystem::file
