#include "ecosystem/upstream_access.hpp"

#include "base/error.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem {

namespace {

model::Manifest manifest(const std::string& upstreams) {
  return model::parse_manifest("name: a\nupstreams:\n" + upstreams, "m.yaml", {});
}

std::string reached(const std::string& upstreams, const std::string& url) {
  return access(manifest(upstreams), {}, base::Url::parse(url)).url.to_string();
}

}  // namespace

TEST_CASE("an upstream's url replaces the host and keeps the path", "[ecosystem][upstream_access]") {
  CHECK(reached("  h.example: { url: 'http://127.0.0.1:9000' }", "https://h.example/a/b%2Fc?q=1") ==
        "http://127.0.0.1:9000/a/b%2Fc?q=1");
  CHECK(reached("  h.example: { url: 'https://proxy.example/raw/h/' }", "https://h.example/a") ==
        "https://proxy.example/raw/h/a");
  CHECK(reached("  h.example: { url: 'https://proxy.example' }", "https://other.example/a") ==
        "https://other.example/a");
}

TEST_CASE("an upstream with a port is only that port's", "[ecosystem][upstream_access]") {
  const std::string upstreams = "  'h.example:8443': { url: 'https://x.example' }\n  h.example: { plain_http: true }";
  CHECK(reached(upstreams, "https://h.example:8443/a") == "https://x.example/a");
  CHECK(reached(upstreams, "https://h.example/a") == "http://h.example/a");
  CHECK(reached(upstreams, "https://h.example:9/a") == "http://h.example:9/a");
  CHECK(reached(upstreams, "http://h.example/a") == "http://h.example/a");
}

TEST_CASE("credentials come from the environment and belong to the upstream", "[ecosystem][upstream_access]") {
  const Environment environment = {{"TOKEN", "t0ken"}, {"USER_NAME", "me"}, {"PASS_WORD", "pass"}};
  const auto value = [&](const std::string& upstreams, const std::string& url) {
    return access(manifest(upstreams), environment, base::Url::parse(url)).authorization.reveal();
  };
  CHECK(value("  h.example: { token_env: TOKEN }", "https://h.example/a") == "Bearer t0ken");
  CHECK(value("  h.example: { username_env: USER_NAME, password_env: PASS_WORD }", "https://h.example/a") ==
        "Basic bWU6cGFzcw==");
  CHECK(value("  h.example: { token_env: TOKEN }", "https://other.example/a").empty());
  CHECK(value("  h.example: { url: 'https://x.example' }\n  x.example: { token_env: TOKEN }", "https://h.example/a") ==
        "Bearer t0ken");
}

TEST_CASE("a credential goes over plain http only where the manifest wants that", "[ecosystem][upstream_access]") {
  const auto value = [&](const std::string& upstreams, const std::string& url) {
    return access(manifest(upstreams), {{"TOKEN", "t0ken"}}, base::Url::parse(url)).authorization.reveal();
  };
  CHECK(value("  h.example: { token_env: TOKEN }", "http://h.example/a").empty());
  CHECK(value("  'h.example:8080': { token_env: TOKEN }", "http://h.example:8080/a").empty());
  CHECK(value("  h.example: { token_env: TOKEN, plain_http: true }", "http://h.example/a") == "Bearer t0ken");
  CHECK(value("  h.example: { token_env: TOKEN, plain_http: true }", "https://h.example/a") == "Bearer t0ken");
  CHECK(value("  h.example: { token_env: TOKEN, url: 'http://x.example' }", "https://h.example/a") == "Bearer t0ken");
  CHECK(value("  h.example: { token_env: TOKEN, url: 'https://x.example' }", "http://h.example/a") == "Bearer t0ken");
}

TEST_CASE("a variable that is not set is named, with the place that asks for it", "[ecosystem][upstream_access]") {
  const auto error = test::error_of([] {
    return access(manifest("  h.example: { token_env: NOT_SET }"), {}, base::Url::parse("https://h.example/"));
  });
  CHECK(error.code() == base::ErrorCode::config);
  CHECK(error.message().find("NOT_SET") != std::string::npos);
  CHECK(error.position()->line == 3);
}

TEST_CASE("certificates and proxies hold for the upstream and for its new host", "[ecosystem][upstream_access]") {
  const http::ClientOptions options =
      client_options(manifest("  h.example: { url: 'https://x.example:8443/raw', insecure_tls: true, proxy: direct }\n"
                              "  docker.io: { ca_file: ca.pem }"));
  CHECK(options.hosts.at("h.example").insecure_tls);
  CHECK(options.hosts.at("x.example:8443").proxy == "direct");
  CHECK(options.hosts.at("registry-1.docker.io").ca_file.filename() == "ca.pem");
}

}  // namespace airlock::ecosystem
