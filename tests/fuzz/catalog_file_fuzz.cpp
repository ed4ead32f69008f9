// A whole catalog: what is accepted is sorted, has every path once, and is written again as it was.
#include <string>

#include "base/error.hpp"
#include "bundle/state_rows.hpp"
#include "fuzz_target.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace airlock;
  const std::string_view text = fuzz::as_text(data, size);
  for (const std::string_view ecosystem : {"oci", "file", "other"}) {
    std::string again;
    std::string last;
    try {
      bundle::StateRows rows;
      rows.add_ecosystem(
          ecosystem, 1, [&](std::size_t) { return std::string(text); },
          [&](const model::FileRow& row) {
            fuzz::require(row.path > last, "paths ascend");
            last = row.path;
            again += model::to_json_line(row, model::RowForm::catalog) + "\n";
          });
      fuzz::require(again == text, "one text for a catalog");
      bundle::Descriptor descriptor;
      rows.count_into(descriptor);
      fuzz::require(bundle::sums_text(rows.blobs().blobs()).size() == descriptor.blobs * bundle::k_sums_line_size,
                    "a line a blob");
    } catch (const base::Error&) {
      continue;
    }
  }
  return 0;
}
