// Right checksums for a tar whose headers were changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/tar.hpp"

namespace airlock::fuzz {

// Inputs whose checksums are wrong end at the first header; with right ones they reach everything behind it.
inline std::string with_checksums(std::string tar) {
  for (std::size_t at = 0; at + base::k_tar_block <= tar.size();) {
    std::uint64_t size = 0;
    for (std::size_t i = at + 124; i < at + 135 && tar[i] >= '0' && tar[i] <= '7'; ++i) {
      size = size * 8 + static_cast<std::uint64_t>(tar[i] - '0');
    }
    tar.replace(at + 148, 8, "        ");
    unsigned sum = 0;
    for (std::size_t i = at; i < at + base::k_tar_block; ++i) {
      sum += static_cast<unsigned char>(tar[i]);
    }
    if (sum == 8 * ' ') {  // the end blocks
      tar.replace(at + 148, 8, 8, '\0');
      break;
    }
    for (std::size_t i = at + 154; i-- > at + 148;) {
      tar[i] = static_cast<char>('0' + (sum & 7));
      sum >>= 3;
    }
    tar[at + 154] = '\0';
    at += base::k_tar_block + size + base::tar_padding(size);
  }
  return tar;
}

}  // namespace airlock::fuzz
