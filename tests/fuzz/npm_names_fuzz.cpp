// Names of packages and what dependencies ask for.
#include "base/error.hpp"
#include "ecosystem/npm/integrity.hpp"
#include "ecosystem/npm/names.hpp"
#include "fuzz_target.hpp"

using namespace airlock;
using namespace airlock::ecosystem::npm;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const std::size_t half = std::min(text.find('\n'), text.size());
  const std::string_view key = text.substr(0, half);
  const std::string_view value = text.substr(std::min(half + 1, text.size()));
  if (is_package_name(key)) {
    const std::string path = tarball_path(std::string(key), usual_tarball_name(std::string(key), "1.0.0"));
    fuzz::require(path.find("..") == std::string::npos || key.find("..") != std::string::npos, "a path goes nowhere");
    fuzz::require(path.front() != '/' && path.find("/../") == std::string::npos, "a path stays below");
    if (is_version(value)) {
      const auto back = parse_purl(purl_of(std::string(key), value));
      fuzz::require(back && back->name == key && back->version == value, "a purl leads back");
    }
  }
  try {
    const auto requirement = parse_dependency(key, value);
    fuzz::require(requirement.kind == Requirement::Kind::local || requirement.kind == Requirement::Kind::foreign ||
                      is_package_name(requirement.name),
                  "what is asked for has a name");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed, "every refusal is a mistake in the text");
  }
  try {
    static_cast<void>(parse_package(text));
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::manifest || error.code() == base::ErrorCode::malformed,
                  "every refusal is a mistake in the text");
  }
  static_cast<void>(parse_purl(text));
  try {
    static_cast<void>(parse_integrity(text));
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                  "every refusal is a mistake in the text");
  }
  return 0;
}
