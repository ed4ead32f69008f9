// Signatures that upstreams make with bare Ed25519 keys (RFC 8032). Keys of airlock's own are trust/'s affair.
#pragma once

#include <string_view>

namespace airlock::base {

// True only when `signature` (64 bytes) is by `key` (32 bytes) over exactly `message`. False for other lengths.
bool verify_ed25519(std::string_view key, std::string_view message, std::string_view signature);

}  // namespace airlock::base
