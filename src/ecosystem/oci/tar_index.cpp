#include "ecosystem/oci/tar_index.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::oci {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::uint64_t k_block = 512;                    // bytes
constexpr std::uint64_t k_extension_limit = 1024 * 1024;  // bytes of one pax record block or GNU name
constexpr std::size_t k_member_limit = 1'000'000;

using Block = std::array<char, k_block>;

std::string_view field(const Block& block, std::size_t offset, std::size_t length) {
  const std::string_view text(block.data() + offset, length);
  return text.substr(0, text.find('\0'));
}

// Octal digits, or GNU's base 256 where the first bit is set.
std::optional<std::uint64_t> number(const Block& block, std::size_t offset, std::size_t length) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(block[offset + at]); };
  std::uint64_t value = 0;
  if ((byte(0) & 0x80U) != 0) {
    for (std::size_t at = 0; at < length; ++at) {
      const std::uint64_t next = at == 0 ? byte(at) & 0x7fU : byte(at);
      if (value >> 55U != 0) {
        return std::nullopt;
      }
      value = value << 8U | next;
    }
    return value;
  }
  const std::string_view text = base::trim(field(block, offset, length));
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  return failure == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

bool checksum_matches(const Block& block) {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < k_block; ++at) {
    sum += at >= 148 && at < 156 ? std::uint64_t{' '} : static_cast<unsigned char>(block[at]);
  }
  return number(block, 148, 8) == sum;
}

// POSIX.1-2008, pax Extended Header: "LENGTH KEY=VALUE\n", of which only path and size matter here.
void read_pax(std::string_view records, std::string& path, std::optional<std::uint64_t>& size) {
  while (!records.empty()) {
    std::size_t length = 0;
    const auto [end, failure] = std::from_chars(records.data(), records.data() + records.size(), length);
    const auto digits = static_cast<std::size_t>(end - records.data());
    if (failure != std::errc() || length <= digits + 1 || length > records.size()) {
      return;
    }
    const std::string_view record = records.substr(digits + 1, length - digits - 2);
    const std::size_t equals = record.find('=');
    if (equals != std::string_view::npos) {
      const std::string_view value = record.substr(equals + 1);
      if (record.substr(0, equals) == "path") {
        path = value;
      } else if (std::uint64_t parsed = 0;
                 record.substr(0, equals) == "size" &&
                 std::from_chars(value.data(), value.data() + value.size(), parsed).ec == std::errc()) {
        size = parsed;
      }
    }
    records.remove_prefix(length);
  }
}

std::string plain_name(const Block& block) {
  const std::string_view prefix =
      field(block, 257, 6).starts_with("ustar") && block[262] == '\0' ? field(block, 345, 155) : std::string_view();
  const std::string_view name = field(block, 0, 100);
  return prefix.empty() ? std::string(name) : std::string(prefix) + "/" + std::string(name);
}

}  // namespace

void index_tar(int fd, std::uint64_t file_size, std::string_view name,
               const std::function<void(std::string, std::uint64_t, std::uint64_t)>& visit) {
  const auto fail = [&](std::string_view cause) {
    return Error(ErrorCode::malformed, fmt::format("'{}' is no readable tar: {}", name, cause));
  };
  std::string long_name;
  std::optional<std::uint64_t> long_size;
  std::uint64_t offset = 0;
  for (std::size_t members = 0; file_size - offset >= k_block; ++members) {
    if (members == k_member_limit) {
      throw Error(ErrorCode::limit, fmt::format("'{}' has more than {} members", name, k_member_limit));
    }
    Block block{};
    base::pread_exact(fd, std::as_writable_bytes(std::span(block)), offset, name);
    offset += k_block;
    if (std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; })) {
      return;
    }
    const std::optional<std::uint64_t> stated = number(block, 124, 12);
    if (!checksum_matches(block) || !stated) {
      throw fail("a header is damaged");
    }
    const char type = block[156];
    const bool extension = type == 'x' || type == 'L';
    const std::uint64_t size = extension || type == 'g' || type == 'K' ? *stated : long_size.value_or(*stated);
    if (size > file_size - offset) {
      throw fail("it is cut off");
    }
    if (extension) {
      if (size > k_extension_limit) {
        throw fail("an extended header is too large");
      }
      std::string content(size, '\0');
      base::pread_exact(fd, std::as_writable_bytes(std::span(content)), offset, name);
      if (type == 'x') {
        read_pax(content, long_name, long_size);
      } else {
        long_name = content.substr(0, content.find('\0'));
      }
    } else if (type != 'g' && type != 'K') {
      if (type == '0' || type == '\0') {
        visit(long_name.empty() ? plain_name(block) : long_name, offset, size);
      }
      long_name.clear();
      long_size.reset();
    }
    // Cannot overflow: the size was checked against what is left of the file.
    offset = std::min(file_size, offset + (size + k_block - 1) / k_block * k_block);
  }
}

}  // namespace airlock::ecosystem::oci
