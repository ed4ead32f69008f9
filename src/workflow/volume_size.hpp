// What `--volume-size` takes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace airlock::workflow {

inline constexpr std::uint64_t k_fat32_volume = 0xFFFFFFFF;  // bytes: the largest file on FAT

// "4GiB", "4000M", bytes, or a preset (fat32, cd, dvd, bd25); in bytes. Throws usage, also below 64 KiB.
std::uint64_t parse_volume_size(std::string_view text);

}  // namespace airlock::workflow
