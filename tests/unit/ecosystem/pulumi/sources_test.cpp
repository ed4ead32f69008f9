#include "ecosystem/pulumi/sources.hpp"

#include "ecosystem/pulumi/release.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::pulumi {

namespace {

std::vector<std::string> folders(const std::string& text) {
  const Plugin plugin = parse_plugin(text, {});
  std::vector<std::string> all;
  for (const Source& source : sources_of(plugin, {})) {
    all.push_back(folder_url(source, plugin, model::Platform::parse("linux/arm64"), {}).to_string());
  }
  return all;
}
using Urls = std::vector<std::string>;

const std::string k_cdn = "https://get.pulumi.com/releases/plugins";

}  // namespace

TEST_CASE("the default places are the CLI's", "[ecosystem][pulumi]") {
  CHECK(folders("random@4.18.0") == Urls{"https://github.com/pulumi/pulumi-random/releases/download/v4.18.0", k_cdn});
  CHECK(folders("converter terraform@1.0.0") ==
        Urls{"https://github.com/pulumi/pulumi-converter-terraform/releases/download/v1.0.0", k_cdn});
  CHECK(folders("converter yaml@1.0.0").front() == "https://github.com/pulumi/pulumi-yaml/releases/download/v1.0.0");
  CHECK(folders("tool x@1.0.0").front() == "https://github.com/pulumi/pulumi-tool-x/releases/download/v1.0.0");
  CHECK(folders("unifi@0.1.0") == Urls{"https://github.com/pulumiverse/pulumi-unifi/releases/download/v0.1.0"});
  CHECK(folders("language hcl@0.4.0").size() == 3);
}

TEST_CASE("a server is where it says", "[ecosystem][pulumi]") {
  CHECK(folders("a@1.0.0 server=github://api.github.com/acme") ==
        Urls{"https://github.com/acme/pulumi-a/releases/download/v1.0.0"});
  CHECK(folders("a@1.0.0 server=github://git.example/acme/own") ==
        Urls{"https://git.example/acme/own/releases/download/v1.0.0"});
  CHECK(folders("a@1.0.0 server=gitlab://gitlab.example/1234") ==
        Urls{"https://gitlab.example/api/v4/projects/1234/releases/v1.0.0/downloads"});
  CHECK(folders("a@1.0.0+b server=https://dl.example/${NAME}/$%7BVERSION%7D/${OS}-${ARCH}/") ==
        Urls{"https://dl.example/a/1.0.0%2Bb/linux-arm64"});
}

TEST_CASE("a server that is none is refused", "[ecosystem][pulumi]") {
  const std::string server = GENERATE(as<std::string>{}, "x", "git://github.com/a/b", "github://", "github://host",
                                      "github://host/..", "github://host/a/b/c", "gitlab://host/1/2",
                                      "github://u:p@host/a", "ftp://host/a", "https://user:secret@host/a", "https://");
  INFO(server);
  const auto error = test::error_of([&] { return folders("a@1.0.0 server=" + server); });
  CHECK(error.code() == base::ErrorCode::manifest);
  CHECK(error.message().find("secret") == std::string::npos);
}

TEST_CASE("checksum files have SHA-256 or SHA-1, with folders before the names", "[ecosystem][pulumi]") {
  const std::string sha256(64, 'a');
  const std::string sha1(40, 'b');
  CHECK(find_plugin_checksum(sha256 + "  ./x.tar.gz\n", "x.tar.gz")->to_string() == "sha256:" + sha256);
  CHECK(find_plugin_checksum(sha1 + "  ./x.tar.gz\n" + sha1 + "  ./y.tar.gz\n", "x.tar.gz")->to_string() ==
        "sha1:" + sha1);
  CHECK(find_plugin_checksum(sha1 + "  x.tar.gz\n" + sha256 + "  x.tar.gz\n", "x.tar.gz")->to_string() ==
        "sha256:" + sha256);
  CHECK_FALSE(find_plugin_checksum(sha1 + "  other.tar.gz\n" + sha1, "x.tar.gz"));
  CHECK_FALSE(find_plugin_checksum("g" + sha1.substr(1) + "  x.tar.gz\n", "x.tar.gz"));
  CHECK_FALSE(find_plugin_checksum("<html>\n", "x.tar.gz"));
  CHECK(test::code_of([&] {
          return find_plugin_checksum(sha1 + "  x.tar.gz\n" + std::string(40, 'c') + "  x.tar.gz\n", "x.tar.gz");
        }) == base::ErrorCode::upstream);
}

}  // namespace airlock::ecosystem::pulumi
