// What parses must print, and parse again to the same value.
#include "base/error.hpp"
#include "base/yaml.hpp"
#include "fuzz_target.hpp"

using namespace airlock::base;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  YamlNode node;
  try {
    node = parse_yaml(airlock::fuzz::as_text(data, size), "input");
  } catch (const Error& error) {
    airlock::fuzz::require(error.code() == ErrorCode::manifest, "every refusal is a mistake in the manifest");
    airlock::fuzz::require(error.position().has_value(), "every refusal has a position");
    return 0;
  }
  airlock::fuzz::require(parse_yaml(node.to_yaml(), "output").same_value(node), "YAML prints and parses to itself");
  return 0;
}
