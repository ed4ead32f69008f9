// What an index answers: pages of either form, packed or not, and what is none.
#include "base/digest.hpp"
#include "base/text.hpp"
#include "fake_index.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;

namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("answers that are no index pages are refused", "[ecosystem][pypi]") {
  FakeIndex index;
  SECTION("a sign-in page where JSON was expected") {
    index.page("a", "<html><body><a href='/login'>Sign in</a></body></html>", "text/html");
  }
  SECTION("half a document") {
    index.page("a", R"({"meta":{"api-version":"1.0"},"name":"a","fil)");
  }
  SECTION("another type") {
    index.page("a", "{}", "application/json");
  }
  SECTION("another project") {
    index.page("a", R"({"meta":{"api-version":"1.0"},"name":"b","files":[]})");
  }
  const Error error = Run(index, "packages: [a]").refusal();
  CHECK(error.code() == ErrorCode::upstream);
  CHECK(error.hint().find("index-url") != std::string::npos);
}

TEST_CASE("a page may come packed", "[ecosystem][pypi]") {
  FakeIndex index;
  const auto serve = [&](std::string body) {
    index.server.script("/simple/z/", {{.fields = {{"Content-Type", "application/vnd.pypi.simple.v1+json"},
                                                   {"Content-Encoding", "gzip"}},
                                        .body = std::move(body)}});
  };
  // {"meta":{"api-version":"1.0"},"name":"z","files":[]}
  const std::string packed = *base::base64_decode(
      "H4sIAAAAAAACA6tWyk0tSVSyqlZKLMjULUstKs7Mz1OyUjLUM1Cq1VHKS8xNBfKqlHSU0jJzUouVrKJjawF/p80zNAAAAA==");
  serve(packed);
  CHECK(Run(index, "packages: [z]").refusal().message().find("has no file of 'z'") != std::string::npos);
  CHECK(index.server.requests("/simple/z/").at(0).field("Accept-Encoding") == "gzip");
  serve(packed.substr(0, packed.size() - 3));
  CHECK(Run(index, "packages: [z]").refusal().code() == ErrorCode::upstream);
}

TEST_CASE("an HTML index does as well", "[ecosystem][pypi]") {
  FakeIndex index;
  index.add("b", {{"1.0", ""}});
  const std::string hash = base::sha256("content of b-1.0-py3-none-any.whl").hex();
  const std::string metadata = base::sha256(FakeIndex::metadata("b", {"1.0", ""})).hex();
  index.page("b",
             "<!DOCTYPE html><html><body><a href='../../f/b-1.0-py3-none-any.whl#sha256=" + hash +
                 "' data-core-metadata='sha256=" + metadata + "'>b</a></body></html>",
             "text/html; charset=utf-8");
  Run run(index, "packages: [b]");
  CHECK(run.chosen() == Names{"b-1.0"});
  CHECK(run.row("b/b-1.0-py3-none-any.whl").pin == "sha256:" + hash);
}

TEST_CASE("metadata that is not what the index says is refused", "[ecosystem][pypi]") {
  FakeIndex index;
  index.add("a", {{"1.0", ""}});
  index.server.script("/f/a-1.0-py3-none-any.whl.metadata", {{.body = "Name: a\nVersion: 1.0\nRequires-Dist: evil\n"}});
  CHECK(Run(index, "packages: [a]").refusal().code() == ErrorCode::tampered);
}

TEST_CASE("signing in is for the index alone", "[ecosystem][pypi]") {
  FakeIndex index;
  index.add("a", {{"1.0", ""}});
  Resolution run(descriptor(),
                 "platforms: [linux/amd64]\npypi: { python: ['3.11'], packages: [a] }\nupstreams: { pypi: { url: '" +
                     index.server.url("/simple/") + "', token_env: TOKEN } }\n",
                 {{"TOKEN", "s3cret"}});
  run.run();
  const auto requests = index.server.requests();
  REQUIRE_FALSE(requests.empty());
  for (const auto& request : requests) {
    CHECK(request.field("Authorization") == "Bearer s3cret");
  }
}

}  // namespace airlock::ecosystem::pypi
