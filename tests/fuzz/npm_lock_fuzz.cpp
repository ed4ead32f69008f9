// package-lock.json and the overrides of a package.json.
#include "base/error.hpp"
#include "ecosystem/npm/names.hpp"
#include "ecosystem/npm/project.hpp"
#include "fuzz_target.hpp"

using namespace airlock::ecosystem::npm;
using airlock::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = airlock::fuzz::as_text(data, size);
  for (const Dev dev : {Dev::take, Dev::leave}) {
    try {
      for (const LockedPackage& one : parse_lock_file(text, dev, "fuzz").packages) {
        require(is_package_name(one.name) && is_version(one.version), "what is locked can be named");
      }
    } catch (const airlock::base::Error&) {
    }
  }
  try {
    const auto json = airlock::base::parse_json(text, "fuzz");
    if (json.is_object()) {
      read_dependencies(json, true, "fuzz");
      if (const auto overrides = OverrideSet::parse(json, "fuzz")) {
        const auto* rule =
            overrides->of_dependency("a", {.kind = Requirement::Kind::range, .name = "a", .wanted = "1"});
        (rule == nullptr ? overrides.get() : rule)->of_package("a", "1.0.0");
      }
    }
  } catch (const airlock::base::Error&) {
  }
  return 0;
}
