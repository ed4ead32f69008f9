#include "workflow/volume_size.hpp"

#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

struct Preset {
  std::string_view name;
  std::uint64_t bytes;
};

// Discs hold a file system too, so each preset stays some megabytes below the smallest disc of its kind: 360,000 (CD),
// 2,295,104 (DVD+R) and 12,219,392 (BD-R) sectors of 2,048 bytes.
constexpr std::array k_presets = {
    Preset{"fat32", k_fat32_volume},
    Preset{"cd", 730'000'000},
    Preset{"dvd", 4'690'000'000},
    Preset{"bd25", 25'000'000'000},
};
constexpr std::uint64_t k_smallest = 64 * 1024;

}  // namespace

std::uint64_t parse_volume_size(std::string_view text) {
  for (const Preset& preset : k_presets) {
    if (preset.name == text) {
      return preset.bytes;
    }
  }
  std::uint64_t bytes = 0;
  try {
    bytes = base::parse_bytes(text);
  } catch (const Error& error) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is no volume size", base::printable(text, 60)))
        .with_hint("give a size such as 4GiB or 4000M, or one of fat32, cd, dvd, bd25");
  }
  if (bytes < k_smallest) {
    throw Error(ErrorCode::usage, fmt::format("volumes of {} are too small", base::format_bytes(bytes)))
        .with_hint("the least is 64KiB");
  }
  return bytes;
}

}  // namespace airlock::workflow
