// The first byte chooses the form, the rest is the line. Whatever the quick reader takes is JSON to the strict one, and
// a row that was taken prints and parses to itself.
#include "base/error.hpp"
#include "base/json.hpp"
#include "fuzz_target.hpp"
#include "model/file_row.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const auto form = data[0] == 'L' ? model::RowForm::lock : model::RowForm::catalog;
  const std::string_view ecosystem = form == model::RowForm::catalog ? "tool" : "";
  const std::string_view line = fuzz::as_text(data + 1, size - 1);
  model::FileRow row;
  try {
    row = model::parse_row(line, form, ecosystem, "input");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                  "every refusal says that the row is malformed");
    return 0;
  }
  fuzz::require(base::parse_json(line, "input").is_object(), "what the quick reader takes is JSON");
  const std::string printed = model::to_json_line(row, form);
  fuzz::require(model::parse_row(printed, form, ecosystem, "output") == row, "a row prints and parses to itself");
  return 0;
}
