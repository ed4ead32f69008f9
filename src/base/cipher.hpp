// The parts of OpenSSL that secrets need, so that its headers stay behind one fence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace airlock::base {

// Overwrites in a way that no optimiser removes.
void cleanse(void* memory, std::size_t size);
// From the generator for private values; throws internal when it has no entropy.
void fill_random(std::span<std::uint8_t> buffer);
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace airlock::base
