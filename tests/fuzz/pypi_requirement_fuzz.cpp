// A dependency specifier; versions and specifiers are those inside it.
#include "base/error.hpp"
#include "ecosystem/pypi/names.hpp"
#include "ecosystem/pypi/requirement.hpp"
#include "fuzz_target.hpp"

using namespace airlock;
using namespace airlock::ecosystem::pypi;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  if (const auto version = Version::parse(text)) {
    const auto again = Version::parse(version->to_string());
    fuzz::require(again && *again == *version, "a version is itself again");
    fuzz::require(again->to_string() == version->to_string(), "and normalised");
  }
  if (const auto set = SpecifierSet::parse(text)) {
    const Version one = *Version::parse("1.0.post1");
    const auto again = SpecifierSet::parse(set->to_string());
    fuzz::require(again && again->contains(one, "1.0.post1") == set->contains(one, "1.0.post1"),
                  "a set is itself again");
  }
  static_cast<void>(parse_file_name(text, "foo"));
  try {
    const Requirement requirement = Requirement::parse(text);
    fuzz::require(is_normalised(requirement.name), "a name is normalised");
    if (requirement.marker) {
      requirement.marker->holds({{"python_version", "3.11"}, {"sys_platform", "linux"}}, "x");
    }
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed, "one code");
  }
  return 0;
}
