// Large index pages are taken apart before they are parsed.
#include "base/error.hpp"
#include "base/json.hpp"
#include "ecosystem/pypi/json_list.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const auto split = ecosystem::pypi::split_json_list(text, "files");
  for (const std::string_view item : split.items) {
    fuzz::require(item.data() >= text.data() && item.data() + item.size() <= text.data() + text.size(),
                  "an item lies in the text");
  }
  base::Json whole;
  try {
    whole = base::parse_json(text, "page", {.bytes = 1 << 20});
  } catch (const base::Error&) {
    return 0;  // what is no JSON may be taken apart in any way: its parts are none either
  }
  if (!whole.is_object()) {
    return 0;
  }
  if (split.items.empty()) {
    return 0;
  }
  // What is good as a whole is the same in parts.
  base::Json parts = base::parse_json(split.rest, "rest", {.bytes = 1 << 20});
  fuzz::require(parts.contains("files") && parts["files"].is_array() && parts["files"].empty(), "the list is empty");
  for (const std::string_view item : split.items) {
    parts["files"].push_back(base::parse_json(item, "item", {.bytes = 1 << 20}));
  }
  fuzz::require(parts == whole, "nothing is lost");
  return 0;
}
