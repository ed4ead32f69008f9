// npm's ini files.
#include "base/error.hpp"
#include "ecosystem/npm/npmrc.hpp"
#include "fuzz_target.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto settings =
        airlock::ecosystem::npm::parse_npmrc(airlock::fuzz::as_text(data, size), {{"NAME", "value"}}, "fuzz");
    for (const auto& [key, value] : settings) {
      airlock::fuzz::require(!key.empty(), "a setting has a name");
    }
  } catch (const airlock::base::Error&) {
  }
  return 0;
}
