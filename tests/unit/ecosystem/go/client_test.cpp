// What is read of this host's client, and what clients on the far side are told.
#include "ecosystem/go/client_config.hpp"

#include "base/files.hpp"
#include "ecosystem/go/go_env.hpp"
#include "go_fixture.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::go {

TEST_CASE("every way out is closed", "[go][client]") {
  ClientConfig config = client_config(
      {.mirror = base::Url::parse("https://mirror.site.example:8443"), .ca_file = "/etc/site.pem", .folder = {}});
  auto& environment = config.environment;
  CHECK(environment.at("GOPROXY") == "https://mirror.site.example:8443/go");
  CHECK(environment.at("GOSUMDB") == "off");
  CHECK(environment.at("GONOPROXY") == "none");
  CHECK(environment.at("GOPRIVATE").empty());
  CHECK(environment.at("GOTOOLCHAIN") == "local");
  CHECK(environment.at("GOVCS") == "*:off");
  CHECK(environment.at("GOENV") == "off");
  CHECK(environment.at("SSL_CERT_FILE") == "/etc/site.pem");
  for (const auto& [name, value] : environment) {
    CHECK(value.find("direct") == std::string::npos);
  }
  REQUIRE(config.files.size() == 1);
  CHECK(config.files[0].content.find("GOPROXY=https://mirror.site.example:8443/go\n") != std::string::npos);
  config = client_config({.mirror = base::Url::parse("http://m:1"), .ca_file = {}, .folder = "/srv/setup"});
  CHECK(config.environment.at("GOENV") == "/srv/setup/go/go.env");
  CHECK_FALSE(config.environment.contains("SSL_CERT_FILE"));
}

TEST_CASE("lists of proxies", "[go][env]") {
  const auto elements = parse_proxy_list("https://user:pa%40ss@one.example/x|two.example,direct,https://never.example");
  REQUIRE(elements.size() == 3);
  CHECK(elements[0].url.to_string() == "https://one.example/x");
  CHECK(elements[0].url.user_info().empty());
  CHECK(elements[0].authorization.reveal() == "Basic " + base::base64_encode("user:pa@ss"));
  CHECK(elements[0].any_failure_goes_on);
  CHECK(elements[1].url.to_string() == "https://two.example/");
  CHECK_FALSE(elements[1].any_failure_goes_on);
  CHECK(elements[2].is_direct);
  CHECK(parse_proxy_list("").empty());
  CHECK(parse_proxy_list(" , ,off").size() == 1);
  CHECK(test::code_of([] { return parse_proxy_list("http://a b"); }) == base::ErrorCode::config);
  const base::Error error = test::error_of([] { return parse_proxy_list("https://user:secret@bad host/"); });
  CHECK(error.message().find("secret") == std::string::npos);
}

TEST_CASE("logins of a netrc", "[go][env]") {
  const std::string text =
      "# a comment\nmachine one.example login me password p1\nmacdef init\nmachine two.example login x password y\n\n"
      "machine\ttwo.example\n  login you\n  password p2\ndefault login any password p3\n";
  CHECK(find_in_netrc(text, "one.example").reveal() == "me:p1");
  CHECK(find_in_netrc(text, "two.example").reveal() == "you:p2");
  CHECK(find_in_netrc(text, "three.example").empty());
  CHECK(find_in_netrc("machine one.example login me", "one.example").empty());
  CHECK(find_in_netrc("machine", "one.example").empty());
}

TEST_CASE("the key that is built into a client is found by its hash", "[go][env]") {
  const ChecksumLog log;
  base::TempDir folder;
  const auto program = folder.path() / "go";
  const std::string decoy = "sum.site.example+00000000+" + log.key().substr(26);
  base::write_file_atomic(program, std::string(base::k_copy_buffer_size - 30, 'x') + log.key() + "y" + decoy);
  CHECK(find_built_in_key(program, "sum.site.example") == log.key());
  CHECK(find_built_in_key(program, "other.example").empty());
  base::write_file_atomic(program, decoy);
  CHECK(find_built_in_key(program, "sum.site.example").empty());
}

TEST_CASE("variables of this run go before the client's own", "[go][env]") {
  const GoEnv env = read_go_env(
      {{"GOPROXY", "https://proxy.site.example"}, {"GOSUMDB", "off"}, {"GOENV", "off"}, {"HOME", "/nowhere"}});
  CHECK(value_of(env, "GOPROXY") == "https://proxy.site.example");
  CHECK(value_of(env, "GOSUMDB") == "off");
  CHECK(value_of(env, "HOME").empty());
}

}  // namespace airlock::ecosystem::go
