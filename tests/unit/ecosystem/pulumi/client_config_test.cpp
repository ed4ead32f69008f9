#include "ecosystem/pulumi/client_config.hpp"

#include <algorithm>

#include "support/catch.hpp"

namespace airlock::ecosystem::pulumi {

TEST_CASE("the overrides are one rule that the CLI can cut apart", "[ecosystem][pulumi]") {
  const std::string mirror =
      GENERATE(as<std::string>{}, "https://mirror.example", "http://10.0.0.1:8480", "https://[2001:db8::1]:8443");
  const ClientConfig config = client_config({.mirror = base::Url::parse(mirror), .ca_file = "/ca.pem", .folder = {}});
  const std::string rule = config.environment.at("PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES");
  CHECK(rule == ".*=" + mirror + "/pulumi/plugins");
  CHECK(std::count(rule.begin(), rule.end(), '=') == 1);
  CHECK(std::count(rule.begin(), rule.end(), ',') == 0);
  CHECK(config.environment.at("SSL_CERT_FILE") == "/ca.pem");
  CHECK_FALSE(config.environment.contains("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"));
}

}  // namespace airlock::ecosystem::pulumi
