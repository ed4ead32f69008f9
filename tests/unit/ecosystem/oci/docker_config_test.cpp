#include "ecosystem/oci/docker_config.hpp"

#include "base/text.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::oci {

using base::ErrorCode;

TEST_CASE("entries are found under every spelling of a server", "[oci][docker_config]") {
  const DockerConfig config = DockerConfig::parse(
      R"({"auths":{"https://index.docker.io/v1/":{"auth":"dTpwOjE="},"https://Registry.example:5000/v2/":{"username":"a",
      "password":"b"},"quay.io/team":{"identitytoken":"t"},"empty.example":{}},"credsStore":"desktop",
      "credHelpers":{"gcr.io":"gcloud"},"HttpHeaders":{"x":"y"}})",
      "config.json");
  CHECK(config.auths.at("docker.io").username == "u");
  CHECK(config.auths.at("docker.io").password.reveal() == "p:1");
  CHECK(config.auths.at("registry.example:5000").password.reveal() == "b");
  CHECK(config.auths.at("quay.io/team").identity_token.reveal() == "t");
  CHECK_FALSE(config.auths.contains("empty.example"));
  CHECK(config.store == "desktop");
  CHECK(config.helpers.at("gcr.io") == "gcloud");
}

TEST_CASE("zero bytes after a password are dropped", "[oci][docker_config]") {
  const std::string auth = base::base64_encode(std::string("u:p\0\0", 5));
  const DockerConfig config = DockerConfig::parse(R"({"auths":{"x.example":{"auth":")" + auth + R"("}}})", "c");
  CHECK(config.auths.at("x.example").password.reveal() == "p");
}

TEST_CASE("a malformed file is named, its content is not", "[oci][docker_config]") {
  const char* text =
      GENERATE("[]", "{", R"({"auths":[]})", R"({"auths":{"x":"SECRET"}})", R"({"auths":{"x":{"auth":"SECRET"}}})",
               R"({"auths":{"x":{"username":["SECRET"]}}})", R"({"credsStore":"../../SECRET"})",
               R"({"credHelpers":{"x":"a/SECRET"}})", R"({"credHelpers":{"x":".SECRET"}})");
  CAPTURE(text);
  const base::Error error = test::error_of([&] { return DockerConfig::parse(text, "config.json"); });
  CHECK(error.code() == ErrorCode::malformed);
  CHECK(error.message().find("config.json") != std::string::npos);
  CHECK(error.message().find("SECRET") == std::string::npos);
}

TEST_CASE("the narrowest key comes first", "[oci][docker_config]") {
  CHECK(credential_keys("h:1", "a/b") == std::vector<std::string>{"h:1/a/b", "h:1/a", "h:1"});
}

TEST_CASE("a helper may answer with an identity token", "[oci][docker_config]") {
  CHECK(parse_helper_answer(R"({"ServerURL":"x","Username":"u","Secret":"s"})", "h").password.reveal() == "s");
  const Credentials token = parse_helper_answer(R"({"Username":"<token>","Secret":"t"})", "h");
  CHECK(token.identity_token.reveal() == "t");
  CHECK(token.password.empty());
  CHECK_THROWS(parse_helper_answer("no", "h"));
}

}  // namespace airlock::ecosystem::oci
