#include "ecosystem/oci/auth.hpp"

#include "base/text.hpp"
#include "fake_registry.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/fault_server.hpp"

namespace airlock::ecosystem::oci {

using base::ErrorCode;
using test::FaultAnswer;
using test::FaultRequest;
using test::FaultServer;

namespace {

Credentials user(std::string name, std::string password) {
  Credentials result;
  result.username = std::move(name);
  result.password = base::Secret(std::move(password));
  return result;
}

// A registry that wants a bearer token, and its token service, which numbers the tokens that it gives out.
struct TokenRegistry {
  explicit TokenRegistry(std::string lifetime = R"(,"expires_in":300)") {
    server.script("/v2/a/manifests/1", [this](const FaultRequest& request, std::size_t) {
      const std::string wanted = "Bearer token" + std::to_string(valid.load());
      return request.field("Authorization") == wanted
                 ? FaultAnswer{.body = "content"}
                 : FaultAnswer{.status = 401,
                               .fields = {{"WWW-Authenticate", "Bearer realm=\"" + server.url("/token") +
                                                                   "\",service=\"S 1\",scope=\"ignored\""}}};
    });
    server.script("/token", [this, lifetime](const FaultRequest&, std::size_t count) {
      valid = static_cast<int>(count);
      return FaultAnswer{.body = "{\"token\":\"token" + std::to_string(count) + "\"" + lifetime + "}"};
    });
  }
  http::Response get(Authenticator& authenticator) {
    http::Request request;
    request.url = base::Url::parse(server.url("/v2/a/manifests/1"));
    return authenticator.send(request, pull_scope("a"));
  }
  std::atomic<int> valid{-1};
  FaultServer server;
};

}  // namespace

TEST_CASE("a token is asked for after the challenge and used again", "[oci][auth]") {
  TokenRegistry registry;
  http::Client client(quick_options());
  Authenticator authenticator(
      client, base::Url::parse(registry.server.url("/")), [](std::string_view) { return Credentials(); },
      "docker login");
  CHECK(registry.get(authenticator).body == "content");
  CHECK(registry.get(authenticator).body == "content");
  const auto tokens = registry.server.requests("/token");
  REQUIRE(tokens.size() == 1);
  CHECK(tokens[0].target == "/token?service=S%201&scope=repository%3Aa%3Apull");
  CHECK_FALSE(tokens[0].field("Authorization"));
  CHECK(registry.server.requests("/v2/a/manifests/1").size() == 3);
}

TEST_CASE("credentials go to the token service, not to the registry", "[oci][auth]") {
  TokenRegistry registry;
  http::Client client(quick_options());
  Authenticator authenticator(
      client, base::Url::parse(registry.server.url("/")), [](std::string_view) { return user("u", "p"); }, "");
  registry.get(authenticator);
  const auto tokens = registry.server.requests("/token");
  REQUIRE(tokens.size() == 1);
  CHECK(tokens[0].field("Authorization") == "Basic " + base::base64_encode("u:p"));
  CHECK(tokens[0].target.find("account=u") != std::string::npos);
  for (const FaultRequest& request : registry.server.requests("/v2/a/manifests/1")) {
    CHECK(request.field("Authorization").value_or("").find("Basic") == std::string::npos);
  }
}

TEST_CASE("an identity token is exchanged by POST", "[oci][auth]") {
  TokenRegistry registry;
  http::Client client(quick_options());
  Authenticator authenticator(
      client, base::Url::parse(registry.server.url("/")),
      [](std::string_view) {
        Credentials credentials;
        credentials.identity_token = base::Secret("refresh&me");
        return credentials;
      },
      "");
  registry.get(authenticator);
  const auto tokens = registry.server.requests("/token");
  REQUIRE(tokens.size() == 1);
  CHECK(tokens[0].method == "POST");
  CHECK(tokens[0].body.find("grant_type=refresh_token") != std::string::npos);
  CHECK(tokens[0].body.find("refresh_token=refresh%26me") != std::string::npos);
  CHECK(tokens[0].target.find("refresh") == std::string::npos);
}

TEST_CASE("a token is renewed before it expires", "[oci][auth]") {
  TokenRegistry registry;
  http::Client client(quick_options());
  std::chrono::steady_clock::time_point now{};
  Authenticator authenticator(
      client, base::Url::parse(registry.server.url("/")), [](std::string_view) { return Credentials(); }, "",
      [&] { return now; });
  registry.get(authenticator);
  now += std::chrono::seconds(289);
  registry.get(authenticator);
  CHECK(registry.server.requests("/token").size() == 1);
  now += std::chrono::seconds(2);
  registry.get(authenticator);
  CHECK(registry.server.requests("/token").size() == 2);
}

TEST_CASE("a token that the registry no longer takes is replaced once", "[oci][auth]") {
  TokenRegistry registry;
  http::Client client(quick_options());
  Authenticator authenticator(
      client, base::Url::parse(registry.server.url("/")), [](std::string_view) { return Credentials(); },
      "docker login");
  registry.get(authenticator);
  registry.valid = 99;  // revoked
  CHECK(registry.get(authenticator).status == 200);
  CHECK(registry.server.requests("/token").size() == 2);
}

TEST_CASE("a registry that takes no token ends in one clear error", "[oci][auth]") {
  FaultServer server;
  const FaultAnswer refused{.status = 401,
                            .fields = {{"WWW-Authenticate", "Bearer realm=\"" + server.url("/token") + "\""}},
                            .body = R"({"errors":[{"code":"UNAUTHORIZED","message":"not you"}]})"};
  server.script("/v2/a", {refused});
  server.script("/token", {FaultAnswer{.body = R"({"access_token":"t"})"}});
  http::Client client(quick_options());
  Authenticator authenticator(
      client, base::Url::parse(server.url("/")), [](std::string_view) { return Credentials(); }, "docker login");
  http::Request request;
  request.url = base::Url::parse(server.url("/v2/a"));
  const base::Error error = test::error_of([&] { return authenticator.send(request, pull_scope("a")); });
  CHECK(error.code() == ErrorCode::auth);
  CHECK(error.message().find("not you") != std::string::npos);
  CHECK(error.hint().find("docker login") != std::string::npos);
  CHECK(server.requests("/v2/a").size() == 2);
}

TEST_CASE("a token service that refuses is named", "[oci][auth]") {
  FaultServer server;
  server.script(
      "/v2/a",
      {FaultAnswer{.status = 401, .fields = {{"WWW-Authenticate", "Bearer realm=\"" + server.url("/token") + "\""}}}});
  const auto [status, body] = GENERATE(
      table<int, const char*>({{403, "no"}, {200, "{}"}, {200, "no json"}, {200, R"({"token":"a\r\nX: y"})"}}));
  server.script("/token", {FaultAnswer{.status = status, .body = body}});
  http::Client client(quick_options());
  Authenticator authenticator(
      client, base::Url::parse(server.url("/")), [](std::string_view) { return Credentials(); }, "docker login");
  http::Request request;
  request.url = base::Url::parse(server.url("/v2/a"));
  const base::Error error = test::error_of([&] { return authenticator.send(request, pull_scope("a")); });
  CHECK(error.code() == (status == 200 ? ErrorCode::upstream : ErrorCode::auth));
  CHECK(error.message().find("/token") != std::string::npos);
}

TEST_CASE("a token service that is overrun is waited for, or its answer told", "[oci][auth]") {
  TokenRegistry registry;
  auto options = quick_options();
  options.retries = 2;
  http::Client client(options);
  Authenticator authenticator(
      client, base::Url::parse(registry.server.url("/")), [](std::string_view) { return Credentials(); },
      "docker login");
  SECTION("it names a time, or none") {
    registry.server.script("/token", [&](const FaultRequest&, std::size_t count) {
      if (count < 2) {
        return FaultAnswer{.status = 429, .fields = {{count == 0 ? "Retry-After" : "X-Other", "0"}}};
      }
      registry.valid = static_cast<int>(count);
      return FaultAnswer{.body = "{\"token\":\"token" + std::to_string(count) + "\"}"};
    });
    CHECK(registry.get(authenticator).body == "content");
    CHECK(registry.server.requests("/token").size() == 3);
  }
  SECTION("it names a time, and answers no earlier") {
    registry.valid = 7;
    const auto form = GENERATE(test::RetryAfter::seconds, test::RetryAfter::date);
    registry.server.script("/token",
                           test::overrun_for(std::chrono::seconds(2), form, {.body = R"({"token":"token7"})"}));
    CHECK(registry.get(authenticator).body == "content");
    CHECK(registry.server.requests("/token").size() == 2);
  }
  SECTION("it names a time that nobody waits for") {
    registry.server.script("/token", {{.status = 429, .fields = {{"Retry-After", "1000000"}}, .body = "quota"}});
    const base::Error error = test::error_of([&] { return registry.get(authenticator); });
    CHECK(error.code() == ErrorCode::upstream);
    CHECK(error.message().find("/token") != std::string::npos);
    CHECK(registry.server.requests("/token").size() == 1);
  }
}

TEST_CASE("Basic is answered with the user's credentials, and sent unasked from then on", "[oci][auth]") {
  FaultServer server;
  const std::string good = "Basic " + base::base64_encode("u:p");
  server.script("/v2/a", [&](const FaultRequest& request, std::size_t) {
    return request.field("Authorization") == good
               ? FaultAnswer{}
               : FaultAnswer{.status = 401, .fields = {{"WWW-Authenticate", "Basic realm=\"x\""}}};
  });
  http::Client client(quick_options());
  http::Request request;
  request.url = base::Url::parse(server.url("/v2/a"));
  Authenticator good_one(
      client, base::Url::parse(server.url("/")), [](std::string_view) { return user("u", "p"); }, "");
  CHECK(good_one.send(request, pull_scope("a")).status == 200);
  CHECK(good_one.send(request, pull_scope("a")).status == 200);
  CHECK(server.requests().size() == 3);
  Authenticator bad_one(
      client, base::Url::parse(server.url("/")), [](std::string_view) { return user("u", "x"); }, "");
  CHECK(test::code_of([&] { return bad_one.send(request, pull_scope("a")); }) == ErrorCode::auth);
  CHECK(test::code_of([&] { return bad_one.send(request, pull_scope("a")); }) == ErrorCode::auth);
  Authenticator nobody(
      client, base::Url::parse(server.url("/")), [](std::string_view) { return Credentials(); }, "docker login");
  CHECK(test::code_of([&] { return nobody.send(request, pull_scope("a")); }) == ErrorCode::auth);
}

TEST_CASE("a registry token is sent as it is", "[oci][auth]") {
  FaultServer server;
  server.script("/v2/a", [&](const FaultRequest& request, std::size_t) {
    return request.field("Authorization") == "Bearer mine"
               ? FaultAnswer{}
               : FaultAnswer{.status = 401,
                             .fields = {{"WWW-Authenticate", "Bearer realm=\"" + server.url("/t") + "\""}}};
  });
  http::Client client(quick_options());
  Authenticator authenticator(
      client, base::Url::parse(server.url("/")),
      [](std::string_view) {
        Credentials credentials;
        credentials.registry_token = base::Secret("mine");
        return credentials;
      },
      "");
  http::Request request;
  request.url = base::Url::parse(server.url("/v2/a"));
  CHECK(authenticator.send(request, pull_scope("a")).status == 200);
  CHECK(server.requests("/t").empty());
}

}  // namespace airlock::ecosystem::oci
