// What is below an image that a bundle holds: the parts of the input (sections.hpp) are what is at hand, the last is
// the image. Whatever they say, what is listed is there to be extracted, and each blob once.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/error.hpp"
#include "base/json.hpp"
#include "bundle/oci_index.hpp"
#include "fuzz_target.hpp"
#include "sections.hpp"
#include "workflow/image_blobs.hpp"

using namespace airlock;
using base::Digest;

namespace {

void check(const workflow::ImageBlobs& found, const Digest& top, const std::map<Digest, std::string>& texts) {
  const std::set<Digest> listed(found.blobs.begin(), found.blobs.end());
  fuzz::require(!found.blobs.empty() && found.blobs.front() == top, "an image comes before what it names");
  fuzz::require(listed.size() == found.blobs.size(), "a blob is listed once");
  fuzz::require(std::all_of(listed.begin(), listed.end(),
                            [](const Digest& one) { return one.algorithm() == base::HashAlgorithm::sha256; }),
                "a blob is known by SHA-256");
  for (const std::string& left : found.left_out) {
    fuzz::require(!texts.contains(Digest::parse(left)), "what is left out is not here");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::map<Digest, std::string> texts;
  Digest top;
  std::string image;
  for (fuzz::Section& section : fuzz::linked_sections(fuzz::as_text(data, size))) {
    top = base::sha256(section.text);
    image = section.text;
    texts[top] = std::move(section.text);
  }
  if (texts.empty()) {
    return 0;
  }
  std::set<Digest> read;
  try {
    check(workflow::list_image_blobs(top, {.is_here = [&](const Digest& digest) { return texts.contains(digest); },
                                           .read =
                                               [&](const Digest& digest) {
                                                 fuzz::require(read.insert(digest).second, "a manifest is read once");
                                                 return texts.at(digest);
                                               }}),
          top, texts);
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                  "every refusal is about the image");
  }
  // The index that a layout needs for Docker's media types is made of the same documents.
  for (const std::string_view type : {bundle::k_docker_manifest_type, bundle::k_docker_list_type}) {
    try {
      const auto index = bundle::layout_only_index_of(type, image);
      fuzz::require(index && base::parse_json(*index, "an index").at("manifests").is_array(), "an index is made");
    } catch (const base::Error& error) {
      fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                    "every refusal is about the image");
    }
  }
  return 0;
}
