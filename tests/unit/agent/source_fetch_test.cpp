#include "agent/source_fetch.hpp"

#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/files.hpp"
#include "http/server.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view k_content = "#!/bin/sh\nexit 0\n";

http::ClientOptions direct_client() {
  http::ClientOptions options;
  options.retries = 0;
  options.hosts["127.0.0.1"].proxy = "direct";
  return options;
}

http::ServerOptions any_port() {
  http::ServerOptions options;
  options.port = 0;
  return options;
}

http::Router one_file() {
  http::Router router;
  router.add("GET", "/files/{name}",
             [](const auto&) { return http::ServerResponse::text(200, std::string(k_content)); });
  return router;
}

struct Fixture {
  base::TempDir folder;
  http::Server server{any_port(), one_file()};
  http::Client client{direct_client()};
  AgentConfig config;

  Fixture() {
    server.start();
    config.url = config.mirror = base::Url::parse(fmt::format("http://127.0.0.1:{}/", server.port()));
    config.directory = folder.path() / "agent";
    config.user = {getuid(), getgid()};
  }
};

std::string digest_of_content() {
  return base::sha256(k_content).hex();
}

TEST_CASE("a source of the mirror is compared with its digest", "[agent][source]") {
  Fixture f;
  ControlClient control(f.client, f.config.url);
  const JobContext context{f.config, control, f.client, {}};
  control::Claim claim;
  claim.job.source.emplace();
  claim.job.source->kind = control::Source::Kind::mirror;
  claim.job.source->path = "/files/a.tar";
  const auto fetch = [&](const std::string& name) {
    const JobDirectory directory(f.folder.path() / "jobs", name, f.config.user);
    return fetch_source(context, claim, directory);
  };
  CHECK(fetch("none") == "/job/source.tar");
  claim.job.source->sha256 = digest_of_content();
  CHECK(fetch("right") == "/job/source.tar");
  claim.job.source->sha256 = std::string(64, '0');
  CHECK(test::code_of([&] { fetch("wrong"); }) == base::ErrorCode::tampered);
}

TEST_CASE("a tool that is in its place is on the path of jobs", "[agent][source]") {
  Fixture f;
  f.config.tools = {{"/files/deploy", digest_of_content()}};
  fetch_tools(f.config, f.client);
  const auto tools = f.config.directory / "tools";
  CHECK(fs::read_symlink(tools / "bin/deploy") == fs::path("..") / digest_of_content() / "deploy");
  CHECK(base::read_file(tools / "bin/deploy", 100) == k_content);
  f.config.tools = {{"/files/other", std::string(64, '0')}};
  CHECK(test::code_of([&] { fetch_tools(f.config, f.client); }) == base::ErrorCode::tampered);
  CHECK_FALSE(fs::exists(fs::symlink_status(tools / "bin/other")));
}

}  // namespace
}  // namespace airlock::agent
