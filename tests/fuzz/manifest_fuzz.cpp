// A manifest is read or refused by place; what it wishes for does not depend on being read twice.
#include "base/error.hpp"
#include "fuzz_target.hpp"
#include "model/manifest.hpp"
#include "unit/model/sections.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto sections = model::test_sections();
  const std::string_view text = fuzz::as_text(data, size);
  try {
    const model::Manifest manifest = model::parse_manifest(text, "input", sections);
    fuzz::require(!manifest.name.empty(), "a manifest that is taken has a name");
    const model::Manifest again = model::parse_manifest(text, "input", sections);
    fuzz::require(model::canonical_text(manifest) == model::canonical_text(again), "reading is deterministic");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::manifest || error.code() == base::ErrorCode::conflict,
                  "every refusal is a mistake or a contradiction");
    fuzz::require(error.position().has_value(), "every refusal has a position");
  }
  return 0;
}
