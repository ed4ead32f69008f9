#include "ecosystem/oci/served_name.hpp"

#include "support/catch.hpp"

namespace airlock::ecosystem::oci {

using Names = std::vector<std::string>;

TEST_CASE("a name with a host is inside that host", "[oci][served_name]") {
  CHECK(served_repositories("quay.io/a/b", "") == Names{"quay.io/a/b"});
  CHECK(served_repositories("localhost/app", "") == Names{"localhost/app"});
  CHECK(served_repositories("registry.example_5000/app", "").front() == "registry.example_5000/app");
}

TEST_CASE("a bare name is Docker Hub's", "[oci][served_name]") {
  CHECK(served_repositories("nginx", "") == Names{"docker.io/library/nginx", "docker.io/nginx"});
  CHECK(served_repositories("team/app", "").front() == "docker.io/team/app");
  CHECK(served_repositories("docker.io/nginx", "").front() == "docker.io/library/nginx");
  CHECK(served_repositories("index.docker.io/team/app", "").front() == "docker.io/team/app");
}

TEST_CASE("ns puts the name inside its host", "[oci][served_name]") {
  CHECK(served_repositories("a/b", "quay.io") == Names{"quay.io/a/b"});
  CHECK(served_repositories("a/b", "registry.example:5000") == Names{"registry.example_5000/a/b"});
  CHECK(served_repositories("library/nginx", "docker.io").front() == "docker.io/library/nginx");
  CHECK(served_repositories("nginx", "registry-1.docker.io").front() == "docker.io/library/nginx");
  CHECK(served_repositories("quay.io/a/b", "quay.io").front() == "quay.io/a/b");
  // Never another host's content than the one that was asked for.
  CHECK(served_repositories("quay.io/a/b", "ghcr.io") == Names{"ghcr.io/quay.io/a/b"});
}

TEST_CASE("what is no name means nothing", "[oci][served_name]") {
  for (const char* name : {"", "A", "a//b", "a/../b", "a:b", "a@b"}) {
    CHECK(served_repositories(name, "").empty());
  }
  for (const char* host : {"\xff", "..", "a b", "quay.io/"}) {
    CHECK(served_repositories("a", host).empty());
  }
  CHECK(served_repositories("a", "[2001:db8::]:5000") == Names{"ip6-2001-db8--0_5000/a"});
}

TEST_CASE("names are shown as people write them", "[oci][served_name]") {
  CHECK(upstream_name("registry.example_5000/team/app") == "registry.example:5000/team/app");
  CHECK(upstream_name("docker.io/library/x") == "docker.io/library/x");
}

}  // namespace airlock::ecosystem::oci
