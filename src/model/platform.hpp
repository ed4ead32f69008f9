// What a file is built for.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace airlock::model {

// "linux/amd64", "linux/arm64", "linux/arm/v7", "windows/amd64", "darwin/arm64": Go's names for systems and
// architectures, as image indexes use them.
struct Platform {
  std::string os;
  std::string arch;
  std::string variant;  // empty where there is none

  // Throws manifest (hint: nearest known name) on a malformed or unknown system or architecture.
  static Platform parse(std::string_view text);
  std::string to_string() const;
  auto operator<=>(const Platform&) const = default;

  // linux and the architecture of this host: the default where a manifest names none.
  static Platform host();
  // True when `other` (from an image index; arm64 may carry variant v8) serves this wish.
  bool accepts(const Platform& other) const;
};

std::vector<Platform> parse_platforms(const std::vector<std::string>& texts);  // sorted, each once

}  // namespace airlock::model
