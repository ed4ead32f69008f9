#include "ecosystem/terraform/provider.hpp"

#include "support/catch.hpp"

namespace airlock::ecosystem::terraform {

TEST_CASE("addresses of providers are read as the clients read them", "[ecosystem][terraform]") {
  const std::vector<std::pair<std::string, std::string>> spellings = {
      {"null", "hashicorp/null"},
      {"Hashicorp/Null", "hashicorp/null"},
      {"registry.opentofu.org/a-b/c_d", "registry.opentofu.org/a-b/c_d"},
      {"Registry.Example:5000/team/thing", "registry.example:5000/team/thing"},
      {"localhost/a/b", "localhost/a/b"},
  };
  for (const auto& [text, canonical] : spellings) {
    INFO(text);
    const auto provider = parse_provider(text);
    REQUIRE(provider);
    CHECK(provider->to_string() == canonical);
  }
}

TEST_CASE("what is no address is none", "[ecosystem][terraform]") {
  const std::string text =
      GENERATE(as<std::string>{}, "", "/", "a/", "/a", "a/b/c", "a.b/c/d/e", "../x/y", "a.b/../y", "-a", "a b",
               "a.b:x/c/d", "a.b:123456/c/d", "a..b/c/d", "a.b/c/d\n", "a.b/%2e/d", "host.example/a/b.c");
  INFO(text);
  CHECK_FALSE(parse_provider(text));
}

TEST_CASE("a host's port has another sign in paths", "[ecosystem][terraform]") {
  CHECK(folder_of(*parse_provider("r.example:5000/a/b")) == "providers/r.example_5000/a/b/");
  CHECK(host_of_path("r.example_5000") == "r.example:5000");
  CHECK(host_of_path("r.example") == "r.example");
}

TEST_CASE("archives have one name", "[ecosystem][terraform]") {
  const Provider provider = *parse_provider("a.example/team/my_thing");
  const std::string name = file_name(provider, "1.2.3-rc.1+b", "linux", "amd64");
  CHECK(name == "terraform-provider-my_thing_1.2.3-rc.1+b_linux_amd64.zip");
  const auto parsed = parse_file_name(provider, name);
  REQUIRE(parsed);
  CHECK(parsed->version == "1.2.3-rc.1+b");
  CHECK(parsed->os == "linux");
  CHECK(parsed->arch == "amd64");
  for (const char* other :
       {"", "terraform-provider-my_thing_1.2.3_SHA256SUMS", "terraform-provider-my_thing_.zip",
        "terraform-provider-other_1.2.3_linux_amd64.zip", "terraform-provider-my_thing_1.2_linux_amd64.zip",
        "terraform-provider-my_thing_1.2.3_linux.zip", "terraform-provider-my_thing_1.2.3_li/nux_amd64.zip"}) {
    INFO(other);
    CHECK_FALSE(parse_file_name(provider, other));
  }
}

TEST_CASE("what the program has in it is not looked for", "[ecosystem][terraform]") {
  CHECK(is_built_in(*parse_provider("terraform.io/builtin/terraform")));
  CHECK_FALSE(is_built_in(*parse_provider("hashicorp/null")));
}

}  // namespace airlock::ecosystem::terraform
