#include "ecosystem/go/client_config.hpp"

#include <fmt/format.h>

namespace airlock::ecosystem::go {

namespace {

// What the client reads from its environment and from its configuration file alike. An empty value in the environment
// takes away what stands there; in the file it is the default.
std::map<std::string, std::string> settings(const base::Url& mirror) {
  const std::string base = fmt::format("{}://{}/go", mirror.scheme(), mirror.host_port());
  return {
      {"GO111MODULE", "on"},  // without modules the client clones repositories
      {"GOPROXY", base},      // one element: nothing is tried behind it
      {"GONOPROXY", "none"},  // also where GOPRIVATE is set
      {"GOPRIVATE", ""},      // would send the client to the repository itself
      {"GOSUMDB", "off"},     // proved before the bundle was made; else the client asks the database itself
      {"GONOSUMDB", ""},
      {"GOINSECURE", ""},
      {"GOTOOLCHAIN", "local"},  // no download of the toolchain that a go.mod names
      {"GOVCS", "*:off"},
      {"GOTELEMETRY", "off"},
      {"GOVULNDB", base + "/vulndb"},  // there is none; govulncheck is told so here, and not outside
  };
}

}  // namespace

ClientConfig client_config(const ClientConfigRequest& request) {
  ClientConfig config;
  config.environment = settings(request.mirror);
  ClientConfigFile file{.name = "go.env", .content = {}, .install_as = "/usr/local/go/go.env"};
  file.content = "# Only the mirror: no repositories, no checksum database, no toolchains from outside.\n";
  for (const auto& [name, value] : config.environment) {
    if (!value.empty() && name != "GOTELEMETRY" && name != "GOVULNDB") {
      file.content += fmt::format("{}={}\n", name, value);
    }
  }
  config.files.push_back(std::move(file));
  // A file of the user's own must not bring back what the environment leaves empty.
  config.environment["GOENV"] = request.folder.empty() ? "off" : (request.folder / "go" / "go.env").string();
  if (!request.ca_file.empty()) {
    config.environment["SSL_CERT_FILE"] = request.ca_file.string();
  }
  config.notes = {
      "where the environment is not set, go.env stands in for the file of that name in GOROOT, or for the one that "
      "`go env GOENV` names; certificates are named by SSL_CERT_FILE in the environment only",
      "a go.mod that asks for a newer Go than the one installed stops with an error; bring that toolchain as a "
      "tool "
      "or image",
      "telemetry leaves a host only where somebody ran `go telemetry on`; `go telemetry off` ends that",
  };
  return config;
}

}  // namespace airlock::ecosystem::go
