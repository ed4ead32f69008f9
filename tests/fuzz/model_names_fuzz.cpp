// Package URLs, versions and platforms, as catalogs and manifests carry them.
#include "base/error.hpp"
#include "base/text.hpp"
#include "fuzz_target.hpp"
#include "model/platform.hpp"
#include "model/purl.hpp"
#include "model/version.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  try {
    const auto purl = model::Purl::parse(text);
    fuzz::require(model::Purl::parse(purl.to_string()) == purl, "a package URL prints and parses to itself");
    fuzz::require(base::is_valid_utf8(purl.name), "its name is text");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed, "every refusal is a mistake in the text");
  }
  try {
    const auto platform = model::Platform::parse(text);
    fuzz::require(platform.to_string() == text, "a platform prints as it was written");
    fuzz::require(platform.accepts(platform), "a platform takes itself");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::manifest, "every refusal is a mistake in the text");
  }
  const std::size_t half = std::min(text.find('\n'), text.size());
  const auto one = model::Version::parse(text.substr(0, half));
  const auto other = model::Version::parse(text.substr(std::min(half + 1, text.size())));
  if (one && other) {
    fuzz::require(!(*one < *other && *other < *one), "an order is one");
    fuzz::require(!(*one < *one), "nothing precedes itself");
  }
  return 0;
}
