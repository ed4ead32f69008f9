// TOML of projects.
#include "base/error.hpp"
#include "base/toml.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    fuzz::require(base::parse_toml(fuzz::as_text(data, size), "a.toml").is_object(), "a document is an object");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::manifest || error.code() == base::ErrorCode::limit,
                  "every refusal is a mistake in the text");
  }
  return 0;
}
