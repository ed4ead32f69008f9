#include "ecosystem/go/query.hpp"

#include "ecosystem/go/pulumi_plugin.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::go {

using base::ErrorCode;
using test::code_of;

TEST_CASE("queries", "[go][query]") {
  CHECK(parse_query("a.b/c") == Query{"a.b/c", "latest"});
  CHECK(parse_query("a.b/c@v1.2.3") == Query{"a.b/c", "v1.2.3"});
  CHECK(parse_query("a.b/c@<v2.0.0") == Query{"a.b/c", "<v2.0.0"});
  CHECK(parse_query("a.b/c@master") == Query{"a.b/c", "master"});
  for (const char* bad : {"", "@", "a.b/c@", "nodot@v1.0.0", "a.b/../c@v1.0.0", "a.b/c@a/b", "a.b/c@..", "a.b/c@<1",
                          "a.b/c@v1 ", "a.b/c@-x", "a.b/c@x@y", "a.b/c@<>v1.0.0"}) {
    INFO(bad);
    CHECK(code_of([&] { return parse_query(bad); }) == ErrorCode::malformed);
  }
}

TEST_CASE("the best version of a list comes first", "[go][query]") {
  const std::string list =
      "v1.0.0\nv1.10.0\nv1.2.0 2020-01-01T00:00:00Z\nv2.0.0+incompatible\nv1.11.0-rc.1\nv0.9.0\nv2.0.0\nnonsense\n"
      "v1.3.0-0.20240102030405-0123456789ab\n";
  const auto best = [&](const std::string& query) {
    const auto versions = matching_versions("a.b/c", list, query);
    return versions.empty() ? std::string() : versions.front();
  };
  CHECK(best("latest") == "v1.10.0");
  CHECK(best("v1") == "v1.10.0");
  CHECK(best("v1.2") == "v1.2.0");
  CHECK(best("v0") == "v0.9.0");
  CHECK(best("v3").empty());
  CHECK(best("<v1.10.0") == "v1.2.0");
  CHECK(best("<=v1.0.0") == "v1.0.0");
  CHECK(best(">v1.0.0") == "v1.2.0");
  CHECK(best(">=v1.11.0-rc.1") == "v1.11.0-rc.1");
  CHECK(matching_versions("a.b/c", "v1.0.0-rc.1\n", "latest") == std::vector<std::string>{"v1.0.0-rc.1"});
  CHECK(matching_versions("a.b/c/v2", list, "latest") == std::vector<std::string>{"v2.0.0"});
}

TEST_CASE("one version has one info, whatever a proxy adds", "[go][query]") {
  const std::string plain = R"({"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z"})";
  const std::string more =
      R"({"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z","Origin":{"VCS":"git","URL":"https://git.example/x"}})";
  CHECK(parse_info(plain, "x").to_json() == parse_info(more, "x").to_json());
  CHECK(parse_info(more, "x").to_json().find("git.example") == std::string::npos);
  CHECK(parse_info(R"({"Version":"v1.0.0"})", "x").to_json() == R"({"Version":"v1.0.0"})");
  CHECK(code_of([] { return parse_info(R"({"Version":"v1.0.0","Time":"<b>"})", "x"); }) == ErrorCode::malformed);
  CHECK(code_of([] { return parse_info(R"({"Version":)", "x"); }) == ErrorCode::malformed);
  CHECK(code_of([] { return parse_info("[]", "x"); }) == ErrorCode::malformed);
}

TEST_CASE("the plugin that a provider's SDK asks for", "[go][pulumi]") {
  const Module module{"example.com/pulumi-x/sdk/v4", "v4.5.6"};
  const auto plugin = [&](const std::string& json) -> std::string {
    const auto request = parse_pulumi_plugin(json, module);
    if (!request) {
      return "";
    }
    CHECK(request->section == "pulumi");
    return request->values.at("plugins").at(0);
  };
  CHECK(plugin(R"({"resource": true, "name": "x", "version": "v4.5.7"})") == "resource x@4.5.7");
  CHECK(plugin(R"({"resource": true, "name": "x"})") == "resource x@4.5.6");
  CHECK(plugin(R"({"resource": true, "name": "x", "server": "https://dl.example/x"})") ==
        "resource x@4.5.6 server=https://dl.example/x");
  CHECK(plugin(R"({"resource": false, "name": "x"})").empty());
  CHECK(plugin(R"({"name": "x"})").empty());
  CHECK(plugin(R"({"resource": true})").empty());
  for (const char* bad : {"", "[]", R"({"resource": true, "name": "x y"})", R"({"resource": true, "name": "../x"})",
                          R"({"resource": true, "name": "x", "version": "1 2"})",
                          R"({"resource": true, "name": "x", "server": "a b"})", R"({"resource": true, "name": 1})"}) {
    INFO(bad);
    CHECK(code_of([&] { return plugin(bad); }) == ErrorCode::malformed);
  }
  CHECK(is_pulumi_plugin_file("pulumi-plugin.json"));
  CHECK(is_pulumi_plugin_file("go/x/pulumi-plugin.json"));
  CHECK_FALSE(is_pulumi_plugin_file("go/x/not-pulumi-plugin.json"));
  CHECK(asks_for_pulumi_plugin(
      parse_go_mod("require github.com/pulumi/pulumi/sdk/v3 v3.1.0\n", "x", GoModFor::dependency)));
  CHECK_FALSE(
      asks_for_pulumi_plugin(parse_go_mod("require github.com/pulumi/pulumi v1.0.0\n", "x", GoModFor::dependency)));
}

}  // namespace airlock::ecosystem::go
