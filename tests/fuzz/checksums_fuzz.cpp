// The first byte chooses the format; the rest is a checksum file. A digest that is found stands in the text.
#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/checksums.hpp"
#include "ecosystem/openpgp.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  using ecosystem::ChecksumFormat;
  const auto format = data[0] == 'b'   ? ChecksumFormat::bsd
                      : data[0] == '1' ? ChecksumFormat::single
                                       : ChecksumFormat::sha256sums;
  const std::string_view text = fuzz::as_text(data + 1, size - 1);
  try {
    if (const auto digest = ecosystem::find_checksum(text, format, "tool.zip")) {
      fuzz::require(base::to_lower(text).find(digest->hex()) != std::string::npos, "a found digest was there");
    }
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::upstream, "only a contradiction is an error");
  }
  static_cast<void>(ecosystem::dearmor(text));
  return 0;
}
