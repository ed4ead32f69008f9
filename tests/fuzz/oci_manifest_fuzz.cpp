// A manifest from anywhere: refused or read, and what is read keeps the promises that rows and messages rely
// on.
#include <algorithm>

#include "base/error.hpp"
#include "ecosystem/oci/manifest.hpp"
#include "ecosystem/oci/media_types.hpp"
#include "ecosystem/oci/platform_choice.hpp"
#include "ecosystem/oci/referrers_index.hpp"
#include "fuzz_target.hpp"

using namespace airlock::ecosystem::oci;

namespace {

void check(const Descriptor& descriptor) {
  const std::string& type = descriptor.media_type;
  airlock::fuzz::require(!type.empty() &&
                             std::all_of(type.begin(), type.end(), [](char c) { return c > ' ' && c < 0x7f; }),
                         "a media type is plain");
  if (descriptor.data) {
    airlock::fuzz::require(descriptor.data->size() == descriptor.size, "data has the stated size");
  }
}

void check(const Manifest& manifest) {
  airlock::fuzz::require(is_manifest_type(manifest.media_type), "the type is one that is known");
  airlock::fuzz::require(manifest.is_index == is_index_type(manifest.media_type), "type and shape agree");
  airlock::fuzz::require(manifest.children.size() <= k_descriptor_limit, "children are limited");
  airlock::fuzz::require(manifest.layers.size() <= k_descriptor_limit, "layers are limited");
  std::for_each(manifest.children.begin(), manifest.children.end(), [](const Descriptor& one) { check(one); });
  std::for_each(manifest.layers.begin(), manifest.layers.end(), [](const Descriptor& one) { check(one); });
  try {
    const PlatformChoice choice = choose_children(manifest, {{"linux", "amd64", ""}}, Attestations::take, "fuzz");
    airlock::fuzz::require(choice.taken.size() + choice.left.size() == manifest.children.size(),
                           "each child is taken or left");
  } catch (const airlock::base::Error&) {
  }
  const std::string list =
      referrers_index({referrer_descriptor(manifest, airlock::base::sha256("x"), manifest.layers.size())});
  airlock::fuzz::require(parse_manifest(list, k_oci_index, "fuzz").children.size() == 1, "a list of referrers parses");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = airlock::fuzz::as_text(data, size);
  for (const std::string_view type : {std::string_view(), k_oci_manifest, k_docker_list}) {
    try {
      check(parse_manifest(text, type, "fuzz"));
    } catch (const airlock::base::Error&) {
    }
  }
  try {
    parse_descriptor_list(text, "fuzz");
  } catch (const airlock::base::Error&) {
  }
  return 0;
}
