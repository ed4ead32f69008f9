// The first byte chooses: core metadata, pulumi-plugin.json, pyproject.toml.
#include "base/error.hpp"
#include "ecosystem/pypi/metadata.hpp"
#include "ecosystem/pypi/plugin.hpp"
#include "ecosystem/pypi/pyproject.hpp"
#include "fuzz_target.hpp"

using namespace airlock;
using namespace airlock::ecosystem::pypi;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text = fuzz::as_text(data + 1, size - 1);
  try {
    if (data[0] == 'm') {
      const Metadata metadata = parse_metadata(text, "x");
      fuzz::require(is_name(metadata.name), "it has a name");
    } else if (data[0] == 'p') {
      IndexFile file;
      file.file = "foo-1.0-py3-none-any.whl";
      file.name = *parse_file_name(file.file, "foo");
      const auto plugin = parse_plugin(text, file);
      fuzz::require(!plugin || plugin->find('\n') == std::string::npos, "a plugin is one line");
    } else {
      parse_pyproject(text, "pyproject.toml");
    }
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit ||
                      error.code() == base::ErrorCode::manifest,
                  "known codes");
  }
  return 0;
}
