#include "ecosystem/oci/client_config.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "support/catch.hpp"

namespace airlock::ecosystem::oci {

namespace {

std::string file(const ClientConfig& config, const std::string& name) {
  const auto found = std::find_if(config.files.begin(), config.files.end(),
                                  [&](const ClientConfigFile& one) { return one.name == name; });
  REQUIRE(found != config.files.end());
  CHECK(found->install_as.starts_with("/etc/"));
  return found->content;
}

}  // namespace

TEST_CASE("podman reads every registry from the mirror only", "[oci][client_config]") {
  const std::string text =
      file(client_config({base::Url::parse("https://mirror.example:8480/"), ""}), "registries.conf");
  CHECK(text.find("prefix = \"docker.io\"\nlocation = \"mirror.example:8480/docker.io\"") != std::string::npos);
  CHECK(text.find("[[registry.mirror]]") == std::string::npos);  // which would fall back
  CHECK(text.find("blocked = true") != std::string::npos);
  CHECK(text.find("insecure") == std::string::npos);
}

TEST_CASE("containerd's last resort is the mirror", "[oci][client_config]") {
  const std::string text =
      file(client_config({base::Url::parse("https://mirror.example"), "/etc/ca.pem"}), "certs.d/_default/hosts.toml");
  CHECK(text.find("server = \"https://mirror.example\"") != std::string::npos);
  CHECK(text.find("[host.\"https://mirror.example\"]") != std::string::npos);
  CHECK(text.find("ca = \"/etc/ca.pem\"") != std::string::npos);
}

TEST_CASE("a mirror without TLS is said to be one", "[oci][client_config]") {
  const ClientConfig config = client_config({base::Url::parse("http://mirror.example:8480"), ""});
  const base::Json daemon = base::Json::parse(file(config, "daemon.json"));
  CHECK(daemon["registry-mirrors"] == base::Json{"http://mirror.example:8480"});
  CHECK(daemon["insecure-registries"] == base::Json{"mirror.example:8480"});
  CHECK(file(config, "registries.conf").find("insecure = true") != std::string::npos);
  CHECK(file(config, "buildkitd.toml").find("http = true") != std::string::npos);
  CHECK(std::any_of(config.notes.begin(), config.notes.end(),
                    [](const std::string& note) { return note.find("without TLS") != std::string::npos; }));
}

TEST_CASE("a certificate authority is given to the clients that take one", "[oci][client_config]") {
  const ClientConfig config = client_config({base::Url::parse("https://mirror.example"), "/ca.pem"});
  CHECK(config.environment.at("SSL_CERT_FILE") == "/ca.pem");
  CHECK(config.notes.back().find("/etc/docker/certs.d/mirror.example/ca.crt") != std::string::npos);
  CHECK(client_config({base::Url::parse("https://mirror.example"), ""}).environment.empty());
}

}  // namespace airlock::ecosystem::oci
