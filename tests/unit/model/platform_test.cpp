#include "model/platform.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::model {

TEST_CASE("platforms print as they were written", "[model][platform]") {
  const std::string text =
      GENERATE(as<std::string>{}, "linux/amd64", "linux/arm/v7", "windows/amd64", "darwin/arm64", "linux/386");
  CHECK(Platform::parse(text).to_string() == text);
}

TEST_CASE("a name that another tool uses is refused with ours as a hint", "[model][platform]") {
  const auto [text, hint] = GENERATE(table<std::string, std::string>({{"linux/x86_64", "amd64"},
                                                                      {"linux/aarch64", "arm64"},
                                                                      {"macos/arm64", "darwin"},
                                                                      {"linus/amd64", "linux"},
                                                                      {"linux/amd46", "amd64"}}));
  const auto error = test::error_of([&] { return Platform::parse(text); });
  CHECK(error.code() == base::ErrorCode::manifest);
  CHECK(error.hint() == "did you mean '" + hint + "'?");
}

TEST_CASE("malformed platforms are refused", "[model][platform]") {
  const std::string text = GENERATE(as<std::string>{}, "", "linux", "linux/", "/amd64", "linux/arm/v7/x", "linux/arm/",
                                    "Linux/amd64", "linux/arm/V 7");
  INFO(text);
  CHECK(test::code_of([&] { return Platform::parse(text); }) == base::ErrorCode::manifest);
}

TEST_CASE("a wish accepts the variant that its architecture usually means", "[model][platform]") {
  const auto accepts = [](std::string_view wish, std::string_view offer) {
    return Platform::parse(wish).accepts(Platform::parse(offer));
  };
  CHECK(accepts("linux/arm64", "linux/arm64/v8"));
  CHECK(accepts("linux/arm64/v8", "linux/arm64"));
  CHECK(accepts("linux/arm", "linux/arm/v7"));
  CHECK_FALSE(accepts("linux/arm/v7", "linux/arm/v6"));
  CHECK_FALSE(accepts("linux/amd64", "linux/amd64/v3"));
  CHECK_FALSE(accepts("linux/amd64", "windows/amd64"));
}

TEST_CASE("a list of platforms is sorted and names each once", "[model][platform]") {
  const auto platforms = parse_platforms({"linux/arm64", "linux/amd64", "linux/arm64"});
  REQUIRE(platforms.size() == 2);
  CHECK(platforms[0].to_string() == "linux/amd64");
  CHECK(platforms[1].to_string() == "linux/arm64");
}

TEST_CASE("this host is a linux platform that parses", "[model][platform]") {
  CHECK(Platform::host().os == "linux");
  CHECK(Platform::parse(Platform::host().to_string()) == Platform::host());
}

}  // namespace airlock::model
