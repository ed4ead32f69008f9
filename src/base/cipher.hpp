// The parts of OpenSSL that secrets need, so that its headers stay behind one fence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace airlock::base {

// Overwrites in a way that no optimiser removes.
void cleanse(void* memory, std::size_t size);
// From the generator for private values; throws internal when it has no entropy.
void fill_random(std::span<std::uint8_t> buffer);
bool equal_in_constant_time(std::string_view a, std::string_view b);

// AES-256-GCM (NIST SP 800-38D) with a fresh random nonce of 96 bits: nonce, ciphertext, tag. `bound_to` is not in the
// result, but opening needs the same. One key serves for at most 2^32 texts.
inline constexpr std::size_t k_seal_key_size = 32;  // bytes
std::string seal(std::string_view key, std::string_view plain, std::string_view bound_to);
// nullopt: changed, cut off, sealed with another key, or bound to something else.
std::optional<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view bound_to);

}  // namespace airlock::base
