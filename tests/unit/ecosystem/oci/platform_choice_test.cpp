#include "ecosystem/oci/platform_choice.hpp"

#include "images.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::oci {

using base::ErrorCode;
using model::Platform;

namespace {

struct Child {
  const char* content;
  const char* os;
  const char* architecture;
  const char* attests = nullptr;  // content of another child
};

Manifest make_index(const std::vector<Child>& children) {
  std::vector<Json> list;
  for (const Child& child : children) {
    Json entry = descriptor(k_oci_manifest, child.content);
    if (*child.os != '\0') {
      entry["platform"] = platform(child.os, child.architecture);
    }
    if (child.attests != nullptr) {
      entry["annotations"] = {{"vnd.docker.reference.type", "attestation-manifest"},
                              {"vnd.docker.reference.digest", digest_text(child.attests)}};
    }
    list.push_back(entry);
  }
  return parse_manifest(index_of(list).dump(), "", "test");
}

std::vector<std::string> taken(const Manifest& index, const std::vector<Platform>& wishes,
                               Attestations attestations = Attestations::take) {
  std::vector<std::string> result;
  for (const ChosenChild& child : choose_children(index, wishes, attestations, "test").taken) {
    result.push_back(child.child->digest.to_string());
  }
  return result;
}

std::vector<std::string> digests(std::initializer_list<const char*> contents) {
  std::vector<std::string> result;
  for (const char* content : contents) {
    result.push_back(digest_text(content));
  }
  return result;
}

const Platform k_amd64{"linux", "amd64", ""};
const Platform k_arm64{"linux", "arm64", ""};

}  // namespace

TEST_CASE("children of the wished platforms are taken, the others are left", "[oci][platform_choice]") {
  const Manifest index = make_index({{"a", "linux", "amd64"}, {"b", "linux", "arm64"}, {"c", "windows", "amd64"}});
  CHECK(taken(index, {k_amd64}) == digests({"a"}));
  CHECK(taken(index, {k_amd64, k_arm64}) == digests({"a", "b"}));
  CHECK(choose_children(index, {k_amd64}, Attestations::take, "x").left.size() == 2);
}

TEST_CASE("an image for one platform is taken whatever it is", "[oci][platform_choice]") {
  const Manifest index = make_index({{"a", "windows", "amd64"}, {"b", "windows", "amd64"}});
  CHECK(taken(index, {k_arm64}) == digests({"a", "b"}));
}

TEST_CASE("an index without platforms is taken whole", "[oci][platform_choice]") {
  CHECK(taken(make_index({{"a", "", ""}, {"b", "", ""}}), {k_arm64}) == digests({"a", "b"}));
}

TEST_CASE("a child without a platform goes along", "[oci][platform_choice]") {
  const Manifest index = make_index({{"a", "linux", "amd64"}, {"b", "linux", "arm64"}, {"c", "", ""}});
  CHECK(taken(index, {k_amd64}) == digests({"a", "c"}));
}

TEST_CASE("a wish that nothing serves names what there is", "[oci][platform_choice]") {
  const Manifest index = make_index({{"a", "linux", "amd64"}, {"b", "linux", "s390x"}});
  const base::Error error = test::error_of([&] { return taken(index, {k_amd64, k_arm64}); });
  CHECK(error.code() == ErrorCode::not_found);
  CHECK(error.message().find("linux/arm64") != std::string::npos);
  CHECK(error.message().find("linux/amd64, linux/s390x") != std::string::npos);
}

TEST_CASE("attestations go with the child that they are about", "[oci][platform_choice]") {
  const Manifest index = make_index({{"a", "linux", "amd64"},
                                     {"b", "linux", "arm64"},
                                     {"attests a", "unknown", "unknown", "a"},
                                     {"attests b", "unknown", "unknown", "b"}});
  CHECK(taken(index, {k_amd64}) == digests({"a", "attests a"}));
  CHECK(taken(index, {k_amd64}, Attestations::leave) == digests({"a"}));
  const PlatformChoice choice = choose_children(index, {k_arm64}, Attestations::take, "x");
  CHECK(choice.taken[1].platform == "linux/arm64");
  CHECK(choice.taken[1].is_attestation);
}

TEST_CASE("attestations do not make a second platform", "[oci][platform_choice]") {
  const Manifest index = make_index({{"a", "linux", "riscv64"}, {"attests a", "unknown", "unknown", "a"}});
  CHECK(taken(index, {k_amd64}) == digests({"a", "attests a"}));
}

}  // namespace airlock::ecosystem::oci
