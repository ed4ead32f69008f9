// DEFLATE (RFC 1951): raw, as members of zip archives carry it, and in gzip's frame (RFC 1952).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace airlock::base {

// The whole content of `compressed`. Throws limit when it would be longer than `limit` bytes, malformed when it is no
// DEFLATE stream, breaks off, or has bytes behind it. `name` stands in the message.
std::string inflate_raw(std::string_view compressed, std::size_t limit, std::string_view name);

// The same for one gzip member, its checksum proven.
std::string gunzip(std::string_view compressed, std::size_t limit, std::string_view name);

std::uint32_t crc32(std::string_view data);  // of zip and gzip (ISO-HDLC)

}  // namespace airlock::base
