#include "ecosystem/terraform/client_config.hpp"

#include "ecosystem/terraform/hcl.hpp"
#include "support/catch.hpp"

namespace airlock::ecosystem::terraform {

TEST_CASE("the configuration has one way to providers, and it is read as HCL", "[ecosystem][terraform]") {
  const ClientConfig config = client_config(
      {.mirror = base::Url::parse("https://mirror.example:8443"), .ca_file = "/ca.pem", .folder = "/work/clients"});
  REQUIRE(config.files.size() == 1);
  const HclBlock root = parse_hcl(config.files[0].content, "terraform.rc");
  REQUIRE_FALSE(root.blocks.empty());
  const HclBlock& installation = root.blocks[0];
  CHECK(installation.type == "provider_installation");
  REQUIRE(installation.blocks.size() == 1);
  CHECK(installation.blocks[0].type == "network_mirror");
  CHECK(installation.blocks[0].find("url")->text == "https://mirror.example:8443/tf/providers/");
  CHECK(installation.blocks[0].find("include")->items[0].text == "*/*/*");
  CHECK(config.files[0].content.find("direct") == std::string::npos);
  CHECK(config.environment.at("TF_CLI_CONFIG_FILE") == "/work/clients/terraform/terraform.rc");
  CHECK(config.environment.at("CHECKPOINT_DISABLE") == "1");
  CHECK(config.environment.at("SSL_CERT_FILE") == "/ca.pem");
}

TEST_CASE("without a folder the environment names no file, without TLS a note says what is missing",
          "[ecosystem][terraform]") {
  const ClientConfig config =
      client_config({.mirror = base::Url::parse("http://mirror.example:8480"), .ca_file = {}, .folder = {}});
  CHECK_FALSE(config.environment.contains("TF_CLI_CONFIG_FILE"));
  CHECK(config.notes.back().find("TLS") != std::string::npos);
}

}  // namespace airlock::ecosystem::terraform
