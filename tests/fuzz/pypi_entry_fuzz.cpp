// A file's entry of the index as a bundle brought it, which may be anything, and the pages that are made of it. The
// same text as a client's Accept header.
#include "base/error.hpp"
#include "ecosystem/pypi/index_page.hpp"
#include "ecosystem/pypi/simple_page.hpp"
#include "fuzz_target.hpp"

using namespace airlock;
using namespace airlock::ecosystem::pypi;

namespace {

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) {
    ++found;
  }
  return found;
}

void check_html(const std::string& page) {
  fuzz::require(count(page, "<a ") == 1 && count(page, "<h1>") == 1 && count(page, "<") == count(page, ">"),
                "an entry adds no tags");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  static_cast<void>(choose_form(text));
  base::Json entry;
  try {
    entry = parse_entry(text);
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                  "every refusal is a mistake in the text");
    return 0;
  }
  const std::string sha256(64, 'a');
  for (const char* withheld : {"", "refused on this side"}) {
    const ServedFile file{.file = "six-1.16.0-py2.py3-none-any.whl",
                          .version = "1.16.0",
                          .sha256 = sha256,
                          .size = 11053,
                          .entry = entry,
                          .metadata = sha256,
                          .withheld = withheld};
    const base::Json page = base::parse_json(project_page("six", {file}, PageForm::json), "the page");
    const base::Json& served = page.at("files").at(0);
    fuzz::require(served.at("filename") == file.file && served.at("hashes").at("sha256") == sha256 &&
                      served.at("url") == "../../six/" + file.file,
                  "an entry says nothing of which file it is");
    fuzz::require(served.at("yanked").is_string() || served.at("yanked").is_boolean(), "PEP 691, yanked");
    check_html(project_page("six", {file}, PageForm::html));
    check_html(project_page("six", {file}, PageForm::legacy_html));
  }
  return 0;
}
