// What parses must print, and parse again to the same value.
#include "base/error.hpp"
#include "base/json.hpp"
#include "fuzz_target.hpp"

using namespace airlock::base;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const JsonLimits limits = {.bytes = 64 * 1024, .depth = 16, .members = 1000};
  for (const Numbers numbers : {Numbers::any, Numbers::integers}) {
    Json json;
    try {
      json = parse_json(airlock::fuzz::as_text(data, size), "input", limits, numbers);
    } catch (const Error&) {
      continue;
    }
    // An Error here is not caught: it ends the run.
    airlock::fuzz::require(parse_json(json.dump(), "output", {}, numbers) == json, "JSON prints and parses to itself");
  }
  return 0;
}
