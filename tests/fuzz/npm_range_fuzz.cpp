// Ranges, versions, names of dependencies and integrities, one a line: refused or read, and consistent with themselves.
#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/npm/integrity.hpp"
#include "ecosystem/npm/names.hpp"
#include "ecosystem/npm/semver.hpp"
#include "fuzz_target.hpp"
#include "model/file_row.hpp"

using namespace airlock::ecosystem::npm;
using airlock::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto lines = airlock::base::split(airlock::fuzz::as_text(data, size), '\n');
  for (const std::string& line : lines) {
    const auto version = SemVer::parse(line);
    if (version) {
      const auto again = SemVer::parse(version->to_string());
      require(again && *again == *version, "a version that is printed is the same version");
      const auto exact = Range::parse(version->to_string());
      require(exact && exact->satisfied_by(*version), "a version satisfies itself");
    }
    const auto range = Range::parse(line);
    if (range && version) {
      range->satisfied_by(*version);
    }
    if (range) {
      range->intersects(*range);
    }
    try {
      const Requirement requirement = parse_package(line);
      require(is_package_name(requirement.name), "a requirement names a package");
    } catch (const airlock::base::Error&) {
    }
    if (is_version(line)) {
      airlock::model::check_path(version_path("a", line), "a version");
    }
    if (is_tarball_name(line)) {
      airlock::model::check_path(tarball_path("@s/a", line), "a tarball");
    }
    try {
      parse_integrity(line);
    } catch (const airlock::base::Error&) {
    }
  }
  return 0;
}
