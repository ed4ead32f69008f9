// A registry's document: what is found in it, what npm would choose, and what is refused.
#include "ecosystem/npm/packument.hpp"

#include <fmt/format.h>

#include "ecosystem/npm/version_document.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::npm {

using base::ErrorCode;
using base::Json;

namespace {

Packument read(const std::string& text, const std::string& name = "a") {
  auto spilled = std::make_unique<SpilledText>("answer", std::size_t{64} * 1024 * 1024);
  spilled->write(base::as_bytes(text));
  spilled->finish();
  return Packument(name, std::move(spilled));
}

Json document(const std::vector<std::string>& versions, const std::string& latest = "") {
  Json json = {{"name", "a"}, {"versions", Json::object()}};
  for (const std::string& version : versions) {
    json["versions"][version] = {{"name", "a"}, {"version", version}};
  }
  if (!latest.empty()) {
    json["dist-tags"] = {{"latest", latest}};
  }
  return json;
}

std::string chosen(const Packument& packument, std::string_view range) {
  return packument.choose(parse_dependency("a", range)).value_or("");
}

}  // namespace

TEST_CASE("npm's choice: latest where it satisfies, else the highest that is not deprecated",
          "[ecosystem][npm][packument]") {
  Json json = document({"1.0.0", "1.1.0", "1.2.0", "2.0.0", "2.1.0-rc.1", "3.0.0"}, "1.1.0");
  json["dist-tags"]["next"] = "2.1.0-rc.1";
  json["dist-tags"]["gone"] = "9.0.0";
  json["versions"]["3.0.0"]["deprecated"] = "no";
  const Packument packument = read(json.dump());
  CHECK(chosen(packument, "^1") == "1.1.0");
  CHECK(chosen(packument, "") == "1.1.0");
  CHECK(chosen(packument, "*") == "1.1.0");
  CHECK(chosen(packument, ">=2") == "2.0.0");
  CHECK(chosen(packument, "^3") == "3.0.0");  // deprecated, but nothing else
  CHECK(chosen(packument, "next") == "2.1.0-rc.1");
  CHECK(chosen(packument, "^2.1.0-rc.0") == "2.1.0-rc.1");
  CHECK(chosen(packument, "v1.2.0") == "1.2.0");
  CHECK(chosen(packument, "gone").empty());
  CHECK(chosen(packument, "^4").empty());
  CHECK(packument.some_versions() == "there are 3.0.0, 2.1.0-rc.1, 2.0.0, 1.2.0, 1.1.0, 1.0.0");
}

TEST_CASE("a prerelease that is the latest is taken only without a range", "[ecosystem][npm][packument]") {
  const Packument packument = read(document({"1.0.0", "2.0.0-rc.1"}, "2.0.0-rc.1").dump());
  CHECK(chosen(packument, "") == "2.0.0-rc.1");
  CHECK(chosen(packument, ">=1") == "1.0.0");
}

TEST_CASE("a large document is read the same", "[ecosystem][npm][packument]") {
  Json json = document({}, "1.0.4999");
  for (int i = 0; i < 5000; ++i) {
    const std::string version = fmt::format("1.0.{}", i);
    json["versions"][version] = {{"name", "a"}, {"version", version}, {"readme", std::string(200, 'x') + "\"}{\\"}};
  }
  json["time"] = {{"1.0.7", "2020-01-01T00:00:00.000Z"}};
  const Packument packument = read(json.dump(2));
  CHECK(packument.version_count() == 5000);
  CHECK(chosen(packument, "1.0.7") == "1.0.7");
  CHECK(packument.version_object("1.0.7")["readme"].get<std::string>().ends_with("\"}{\\"));
  CHECK(packument.time("1.0.7") == "2020-01-01T00:00:00.000Z");
  CHECK(chosen(packument, "<1.0.100") == "1.0.99");
}

TEST_CASE("what is no document of the package is refused", "[ecosystem][npm][packument]") {
  const std::string whole = document({"1.0.0"}, "1.0.0").dump();
  const auto code = [](const std::string& text) { return test::code_of([&] { return read(text).version_count(); }); };
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    INFO(whole.substr(0, cut));
    CHECK(code(whole.substr(0, cut)) == ErrorCode::malformed);
  }
  for (const char* text : {"<html></html>", "[]", "null", "{} {}", "{\"name\":\"b\"}", "{\"name\":\"a\"}x",
                           "{\"name\":\"a\",}", "{\"name\" \"a\"}", "{\"versions\":{\"1.0.0\":}}", "{\"a\":[}]}"}) {
    INFO(text);
    CHECK(code(text) == ErrorCode::malformed);
  }
  CHECK(code("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}") == ErrorCode::limit);
  CHECK(code("{\"" + std::string(5000, 'a') + "\":1}") == ErrorCode::limit);
  CHECK(read("{\"name\":\"a\"}").some_versions() == "it has no version");
}

TEST_CASE("versions that are none are left out, and a wrong object is refused when it is used",
          "[ecosystem][npm][packument]") {
  Json json = document({"1.0.0", "../../etc", "latest", "99999999999999999999.0.0"}, "../../etc");
  json["versions"]["1.0.0"]["name"] = "b";
  const Packument packument = read(json.dump());
  CHECK(packument.version_count() == 1);
  CHECK(chosen(packument, "*") == "1.0.0");
  CHECK(test::code_of([&] { return packument.version_object("1.0.0"); }) == ErrorCode::malformed);
  CHECK(test::code_of([&] { return packument.version_object("2.0.0"); }) == ErrorCode::not_found);
}

TEST_CASE("a text beyond its limit is refused while it comes", "[ecosystem][npm][packument]") {
  SpilledText text("answer", 10);
  text.write(base::as_bytes(std::string_view("0123456789")));
  CHECK(test::code_of([&] {
          text.write(base::as_bytes(std::string_view("x")));
          return 0;
        }) == ErrorCode::limit);
}

TEST_CASE("facts: what is optional is not required, what is bundled is left out", "[ecosystem][npm][facts]") {
  const Json json = Json::parse(R"({"name":"a","version":"1.0.0",
    "dependencies":{"b":"1","c":"2","d":"3","odd":7},"optionalDependencies":{"c":"2"},
    "peerDependencies":{"p":"1","q":"2"},"peerDependenciesMeta":{"q":{"optional":true}},
    "bundledDependencies":["d"],"os":["linux","!win32"],"cpu":"x64","deprecated":true,
    "dist":{"shasum":"5b8a3a7765dfe001261dde915589e782f8c94d1e"}})");
  const VersionFacts facts = read_facts(json, "a 1.0.0");
  CHECK(facts.dependencies.required == std::map<std::string, std::string>{{"b", "1"}});
  CHECK(facts.dependencies.optional == std::map<std::string, std::string>{{"c", "2"}});
  CHECK(facts.dependencies.peer == std::map<std::string, std::string>{{"p", "1"}});
  CHECK(facts.dependencies.optional_peer == std::map<std::string, std::string>{{"q", "2"}});
  CHECK(facts.deprecated == "deprecated");
  CHECK(facts.integrity.at(0).to_string() == "sha1:5b8a3a7765dfe001261dde915589e782f8c94d1e");
  CHECK_FALSE(facts.pulumi);
  CHECK(test::code_of([] { return read_facts(Json::array(), "x"); }) == ErrorCode::malformed);
  CHECK(test::code_of([] { return read_facts(Json{{"dist", {{"shasum", "zz"}}}}, "x"); }) == ErrorCode::malformed);
}

TEST_CASE("facts: all dependencies bundled", "[ecosystem][npm][facts]") {
  const Json json = {{"dependencies", {{"b", "1"}}}, {"bundleDependencies", true}};
  CHECK(read_facts(json, "x").dependencies.required.empty());
}

TEST_CASE("facts: platforms as npm-install-checks decides", "[ecosystem][npm][facts]") {
  const auto allows = [](const Json& package, std::string_view platform, Libc libc = Libc::glibc) {
    return read_limits(package).allow(model::Platform::parse(platform), libc);
  };
  CHECK(allows(Json::object(), "windows/arm64"));
  CHECK(allows({{"os", {"win32"}}, {"cpu", {"x64"}}}, "windows/amd64"));
  CHECK_FALSE(allows({{"os", {"win32"}}}, "linux/amd64"));
  CHECK_FALSE(allows({{"os", {"!linux"}}}, "linux/amd64"));
  CHECK(allows({{"os", {"!darwin"}}}, "linux/amd64"));
  CHECK(allows({{"os", {"any"}}}, "linux/amd64"));
  CHECK(allows({{"cpu", {"arm64", "arm"}}}, "linux/arm64"));
  CHECK(allows({{"cpu", {"arm"}}}, "linux/arm/v7"));
  CHECK(allows({{"os", {"linux"}}, {"libc", {"musl"}}}, "linux/amd64", Libc::musl));
  CHECK_FALSE(allows({{"os", {"linux"}}, {"libc", {"musl"}}}, "linux/amd64"));
  CHECK_FALSE(allows({{"libc", {"glibc"}}}, "darwin/arm64"));
}

TEST_CASE("facts: the plugin that a provider's SDK names", "[ecosystem][npm][facts]") {
  const auto plugin = [](const char* pulumi) {
    return read_facts(Json{{"name", "@pulumi/random"}, {"version", "4.1.0"}, {"pulumi", Json::parse(pulumi)}}, "x")
        .pulumi;
  };
  CHECK(plugin(R"({"resource":true,"name":"random","version":"v4.1.0","server":"https://h.example"})")->version ==
        "4.1.0");
  CHECK(plugin(R"({"resource":true})")->name == "random");
  CHECK(plugin(R"({"resource":true})")->version == "4.1.0");
  CHECK_FALSE(plugin(R"({"resource":false,"name":"random"})"));
  CHECK_FALSE(plugin(R"({"resource":true,"name":"a b"})"));
  CHECK_FALSE(plugin(R"({"resource":true,"version":"nonsense"})"));
  CHECK_FALSE(plugin(R"("yes")"));
  const Json odd = {{"name", 5}, {"version", {1, 2}}, {"pulumi", {{"resource", true}}}};
  CHECK_FALSE(read_facts(odd, "x").pulumi);
}

TEST_CASE("what is carried of a version does not change when its registry does", "[ecosystem][npm][document]") {
  Json json = Json::parse(R"({"name":"@s/a","version":"1.0.0","scripts":{"install":"x"},"bin":"a.js","readme":"long",
    "_npmUser":{"name":"x"},"dist":{"integrity":"sha512-x","tarball":"https://one.example/@s/a/-/a-1.0.0.tgz"}})");
  const std::string carried = carried_version(json, "a-1.0.0.tgz");
  CHECK_FALSE(carried_notes(json, ""));
  json["deprecated"] = "use b";
  json["readme"] = "longer";
  json["dist"]["tarball"] = "https://two.example/x/@s/a/-/a-1.0.0.tgz";
  json["dist"]["signatures"] = Json::array({{{"keyid", "k"}, {"sig", "s"}}});
  CHECK(carried_version(json, "a-1.0.0.tgz") == carried);
  CHECK(carried.find("example") == std::string::npos);
  const Json notes = Json::parse(carried_notes(json, "2020-01-01").value());
  CHECK(notes["time"] == "2020-01-01");

  const Json served = served_version(Json::parse(carried), notes, "http://m.example/npm");
  CHECK(served["dist"]["tarball"] == "http://m.example/npm/@s/a/-/a-1.0.0.tgz");
  CHECK(served["dist"]["signatures"] == json["dist"]["signatures"]);
  CHECK(served["deprecated"] == "use b");
  CHECK(served["scripts"]["install"] == "x");
  const Json abbreviated = abbreviated_version(served);
  CHECK_FALSE(abbreviated.contains("scripts"));
  CHECK(abbreviated["hasInstallScript"] == true);
  CHECK(abbreviated["bin"] == "a.js");
}

TEST_CASE("a version that nobody honest carries is served as far as it makes sense", "[ecosystem][npm][document]") {
  const auto served = [](const char* version, const char* notes) {
    return served_version(Json::parse(version), Json::parse(notes), "http://m.example/npm");
  };
  const Json odd = served(R"({"name":5,"version":null,"dist":{"tarball":["x"]}})", R"(["deprecated"])");
  CHECK(odd["dist"]["tarball"].get<std::string>().starts_with("http://m.example/npm/"));
  CHECK(odd["_id"] == "@");
  CHECK(served(R"({"name":"a","version":"1.0.0","dist":"x"})", "null")["_id"] == "a@1.0.0");
  for (const char* none : {"[]", "null", "\"x\"", "7"}) {
    CHECK(test::code_of([&] { return served(none, "null"); }) == ErrorCode::malformed);
  }
}

}  // namespace airlock::ecosystem::npm
