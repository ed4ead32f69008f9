#include "ecosystem/pypi/client_config.hpp"

#include "support/catch.hpp"

namespace airlock::ecosystem::pypi {

namespace {
ClientConfig config(const char* mirror, const char* ca = "", const char* folder = "") {
  return client_config({.mirror = base::Url::parse(mirror), .ca_file = ca, .folder = folder});
}
}  // namespace

TEST_CASE("pip and uv know the mirror only", "[ecosystem][pypi]") {
  const ClientConfig one = config("https://m.example:8443", "/etc/ca.pem");
  CHECK(one.environment.at("PIP_INDEX_URL") == "https://m.example:8443/pypi/simple/");
  CHECK(one.environment.at("PIP_EXTRA_INDEX_URL").empty());
  CHECK(one.environment.at("PIP_CONFIG_FILE") == "/dev/null");
  CHECK(one.environment.at("UV_PYTHON_DOWNLOADS") == "never");
  CHECK(one.environment.at("PIP_CERT") == "/etc/ca.pem");
  CHECK(one.environment.at("SSL_CERT_FILE") == "/etc/ca.pem");
  CHECK_FALSE(one.environment.contains("PIP_TRUSTED_HOST"));
  REQUIRE(one.files.size() == 2);
  CHECK(one.files[0].content.find("index-url = https://m.example:8443/pypi/simple/\n") != std::string::npos);
  CHECK(one.files[0].content.find("cert = /etc/ca.pem\n") != std::string::npos);
}

TEST_CASE("without TLS the host is trusted by name, and a folder's files are named", "[ecosystem][pypi]") {
  const ClientConfig one = config("http://m.example", "", "/opt/client");
  CHECK(one.environment.at("PIP_TRUSTED_HOST") == "m.example");
  CHECK(one.environment.at("PIP_CONFIG_FILE") == "/opt/client/pypi/pip.conf");
  CHECK(one.environment.at("UV_CONFIG_FILE") == "/opt/client/pypi/uv.toml");
  CHECK_FALSE(one.environment.contains("PIP_CERT"));
}

}  // namespace airlock::ecosystem::pypi
