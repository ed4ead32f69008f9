// The first byte chooses: a requirements file, pip.conf, netrc.
#include "base/error.hpp"
#include "ecosystem/pypi/pip_config.hpp"
#include "ecosystem/pypi/requirements_file.hpp"
#include "fuzz_target.hpp"

using namespace airlock;
using namespace airlock::ecosystem::pypi;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text = fuzz::as_text(data + 1, size - 1);
  try {
    if (data[0] == 'r') {
      int line = 0;
      for (const RequirementLine& one : parse_requirement_lines(text, "r.txt")) {
        fuzz::require(one.line > line, "lines rise");
        line = one.line;
        fuzz::require(one.text.find('\n') == std::string::npos, "a line is one line");
      }
    } else if (data[0] == 'i') {
      parse_ini(text, "pip.conf");
    } else {
      parse_netrc(text);
    }
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::manifest,
                  "known codes");
  }
  return 0;
}
