#include "agent/docker_api.hpp"

#include "support/catch.hpp"

namespace airlock::agent {
namespace {

TEST_CASE("two streams in one are taken apart, however they are cut", "[agent][docker]") {
  const std::string bytes = std::string("\x01\0\0\0\0\0\0\x03one", 11) + std::string("\x02\0\0\0\0\0\0\0", 8) +
                            std::string("\x02\0\0\0\0\0\0\x04 two", 12);
  const auto size = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{8}, std::size_t{100});
  std::string out;
  DockerFrames frames([&](std::string_view text) { out += text; });
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    frames.feed(std::string_view(bytes).substr(at, size));
  }
  CHECK(out == "one two");
}

TEST_CASE("an image's place on the mirror", "[agent][docker]") {
  const auto mirror = base::Url::parse("http://127.0.0.1:8480/");
  const std::string digest = "@sha256:" + std::string(64, 'a');
  CHECK(image_on_mirror("debian:12", mirror) == "127.0.0.1:8480/docker.io/library/debian:12");
  CHECK(image_on_mirror("team/app" + digest, mirror) == "127.0.0.1:8480/docker.io/team/app" + digest);
  CHECK(image_on_mirror("registry.example:5000/team/app:1" + digest, mirror) ==
        "127.0.0.1:8480/registry.example_5000/team/app" + digest);
  CHECK(image_on_mirror("127.0.0.1:8480/a/b:1", mirror) == "127.0.0.1:8480/a/b:1");
  CHECK(image_on_mirror("debian", mirror) == "127.0.0.1:8480/docker.io/library/debian:latest");
  CHECK_THROWS(image_on_mirror("a b", mirror));
}

}  // namespace
}  // namespace airlock::agent
