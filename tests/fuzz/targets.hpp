// The table of the fuzz targets that are built into a program; the build writes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace airlock::fuzz {

struct Target {
  std::string_view name;
  int (*run)(const std::uint8_t* data, std::size_t size);
};

std::span<const Target> targets();

}  // namespace airlock::fuzz
