#include "ecosystem/oci/reference.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::oci {

using base::ErrorCode;

TEST_CASE("short names are Docker Hub's", "[oci][reference]") {
  const auto [text, full] = GENERATE(table<const char*, const char*>({
      {"nginx", "docker.io/library/nginx"},
      {"nginx:1.27", "docker.io/library/nginx:1.27"},
      {"team/app", "docker.io/team/app"},
      {"docker.io/nginx:1", "docker.io/library/nginx:1"},
      {"index.docker.io/library/nginx", "docker.io/library/nginx"},
      {"registry-1.docker.io/team/app:2", "docker.io/team/app:2"},
      {"localhost:5000", "docker.io/library/localhost:5000"},
  }));
  CHECK(parse_reference(text).to_string() == full);
}

TEST_CASE("a first component with a dot, a port or an upper-case letter is a host", "[oci][reference]") {
  const auto [text, host, repository, tag] = GENERATE(table<const char*, const char*, const char*, const char*>({
      {"quay.io/a/b/c:v1", "quay.io", "a/b/c", "v1"},
      {"localhost/app", "localhost", "app", ""},
      {"registry.example:5000/app", "registry.example:5000", "app", ""},
      {"REGISTRY.Example/app:T", "registry.example", "app", "T"},
      {"[::1]:5000/app:1", "[::1]:5000", "app", "1"},
      {"docker://quay.io/a/b", "quay.io", "a/b", ""},
      {"oci://registry.example/charts/x:0.1.0", "registry.example", "charts/x", "0.1.0"},
  }));
  const Reference reference = parse_reference(text);
  CHECK(reference.host == host);
  CHECK(reference.repository == repository);
  CHECK(reference.tag == tag);
}

TEST_CASE("a digest is taken with and without a tag", "[oci][reference]") {
  const std::string digest = "sha256:" + std::string(64, 'a');
  CHECK(parse_reference("debian@" + digest).digest->to_string() == digest);
  const Reference both = parse_reference("quay.io/x:1@" + digest);
  CHECK(both.tag == "1");
  CHECK(both.to_string() == "quay.io/x:1@" + digest);
  CHECK(parse_reference("x@sha512:" + std::string(128, 'b')).digest->algorithm() == base::HashAlgorithm::sha512);
}

TEST_CASE("what is no reference is refused", "[oci][reference]") {
  const char* text = GENERATE("", "/", ":", "@", "https://quay.io/x", "quay.io/", "quay.io/X", "a b", "x:", "x:-1",
                              "x@sha256:12", "x@md5:0123", "a//b", "a/../b", "-a.example/x", "a_.example/x", "x/_y",
                              "x/y_", "x/a___b", "host:port/x", "[::1/x", "[1]/x", "\xc3\xa9/x", "x\n");
  CAPTURE(text);
  CHECK(test::code_of([&] { return parse_reference(text); }) == ErrorCode::malformed);
}

TEST_CASE("a name may have 255 characters", "[oci][reference]") {
  CHECK_NOTHROW(parse_reference("quay.io/" + std::string(247, 'a')));
  CHECK_THROWS(parse_reference("quay.io/" + std::string(248, 'a')));
}

TEST_CASE("a tag has its own grammar", "[oci][reference]") {
  CHECK(is_tag("1.2.3-rc.1"));
  CHECK(is_tag("_x"));
  CHECK(is_tag(std::string(128, 'x')));
  CHECK_FALSE(is_tag(std::string(129, 'x')));
  CHECK_FALSE(is_tag(".x"));
  CHECK_FALSE(is_tag("a/b"));
  CHECK_FALSE(is_tag(""));
}

TEST_CASE("a host becomes a path component and back", "[oci][reference]") {
  const auto [host, path] = GENERATE(table<const char*, const char*>({
      {"quay.io", "quay.io"},
      {"registry.example:5000", "registry.example_5000"},
      {"localhost:5000", "localhost_5000"},
      {"[fd00::1]:5000", "ip6-fd00--1_5000"},
      {"[::1]", "ip6---1"},
  }));
  CHECK(host_to_path(host) == path);
  CHECK(host_from_path(path) == host);
  CHECK(is_repository(host_to_path(host)));
}

TEST_CASE("an address that ends in colons still is a legal component", "[oci][reference]") {
  CHECK(is_repository(host_to_path("[fd00::]:443")));
}

TEST_CASE("loopback is known by address only", "[oci][reference]") {
  for (const char* host : {"localhost", "localhost:5000", "127.0.0.1", "127.8.9.1:80", "[::1]", "[::1]:5000"}) {
    CHECK(is_loopback(host));
  }
  for (const char* host : {"localhost.example", "128.0.0.1", "127.0.0.1.example", "127.0.0", "example", "[::2]"}) {
    CHECK_FALSE(is_loopback(host));
  }
}

}  // namespace airlock::ecosystem::oci
