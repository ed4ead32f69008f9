// The first byte chooses JSON or HTML. What is read is served again and read back to the same.
#include "base/error.hpp"
#include "ecosystem/pypi/index_page.hpp"
#include "ecosystem/pypi/simple_page.hpp"
#include "fuzz_target.hpp"

using namespace airlock;
using namespace airlock::ecosystem::pypi;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text = fuzz::as_text(data + 1, size - 1);
  const base::Url url = base::Url::parse("https://index.example/simple/foo/");
  try {
    const IndexPage page = data[0] == 'j' ? parse_json_page(text, "foo", url) : parse_html_page(text, "foo", url);
    for (const IndexFile& file : page.files) {
      fuzz::require(file.file.find('/') == std::string::npos && file.name.project == "foo", "names are plain");
      const ServedFile served{.file = file.file,
                              .version = file.name.version_text,
                              .sha256 = std::string(64, '0'),
                              .size = 1,
                              .entry = parse_entry(entry_text(file)),
                              .metadata = {}};
      const IndexPage html = parse_html_page(project_page("foo", {served}, PageForm::html), "foo", url);
      fuzz::require(html.files.size() == 1 && html.files[0].file == file.file, "a served page has the file");
      fuzz::require(html.files[0].requires_python == file.requires_python, "and what it requires");
      fuzz::require(html.files[0].url.host() == "index.example", "and no other host");
    }
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit, "known codes");
  }
  return 0;
}
