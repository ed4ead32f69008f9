// How much of what others send is read. Where the client has a limit of its own it is that one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace airlock::ecosystem::go {

inline constexpr std::size_t k_largest_mod = std::size_t{16} * 1024 * 1024;       // bytes of a go.mod or LICENSE
inline constexpr std::size_t k_largest_sum = std::size_t{128} * 1024 * 1024;      // of a go.sum
inline constexpr std::uint64_t k_largest_zip = std::uint64_t{500} * 1024 * 1024;  // packed as well as unpacked
inline constexpr std::size_t k_largest_list = std::size_t{8} * 1024 * 1024;       // of versions
inline constexpr std::size_t k_largest_answer = std::size_t{1024} * 1024;         // any other
inline constexpr std::size_t k_transfers = 16;  // at once, while a closure is looked for

}  // namespace airlock::ecosystem::go
