// One page of a registry's list of tags, and what a pattern chooses of it: the first line is the pattern, the rest the
// page.
#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "ecosystem/oci/reference.hpp"
#include "ecosystem/oci/registry_client.hpp"
#include "ecosystem/oci/tags.hpp"
#include "fuzz_target.hpp"

using namespace airlock;
namespace oci = ecosystem::oci;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view pattern = text.substr(0, end);
  std::vector<std::string> tags;
  try {
    tags = oci::parse_tag_page(text.substr(std::min(end + 1, text.size())), "a list of tags");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit ||
                      error.code() == base::ErrorCode::upstream,
                  "every refusal is about the page");
    return 0;
  }
  fuzz::require(std::all_of(tags.begin(), tags.end(), [](const std::string& tag) { return oci::is_tag(tag); }),
                "a tag can be asked for");
  const auto is_listed = [&](const std::string& tag) { return std::find(tags.begin(), tags.end(), tag) != tags.end(); };
  const auto matching = oci::select_tags(tags, pattern, std::nullopt);
  const auto newest = oci::select_tags(tags, pattern, 2);
  fuzz::require(std::is_sorted(matching.begin(), matching.end()), "tags are sorted");
  fuzz::require(std::all_of(matching.begin(), matching.end(), is_listed), "what is chosen is there");
  fuzz::require(newest.size() <= 2 && newest.size() <= matching.size(), "no more than asked for");
  for (const std::string& tag : newest) {
    fuzz::require(std::binary_search(matching.begin(), matching.end(), tag), "the newest are among those that match");
  }
  return 0;
}
