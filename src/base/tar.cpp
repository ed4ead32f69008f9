#include "base/tar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

constexpr std::uint64_t k_largest_ustar_size = 077777777777;  // 8 GiB - 1: eleven octal digits
constexpr std::uint64_t k_largest_size = INT64_MAX - 4 * k_tar_block;
constexpr std::size_t k_largest_name = 100;
constexpr std::string_view k_pax_name = "././@PaxHeader";

struct Field {
  std::size_t offset;
  std::size_t size;
};

// POSIX.1-2017, pax, "ustar Interchange Format".
constexpr Field k_name = {0, 100};
constexpr Field k_mode = {100, 8};
constexpr std::uint64_t k_everybody_mode = 0644;
constexpr std::uint64_t k_owner_mode = 0600;
constexpr Field k_uid = {108, 8};
constexpr Field k_gid = {116, 8};
constexpr Field k_size = {124, 12};
constexpr Field k_mtime = {136, 12};
constexpr Field k_checksum = {148, 8};
constexpr Field k_type = {156, 1};
constexpr Field k_magic = {257, 8};  // with the version
constexpr Field k_device_major = {329, 8};
constexpr Field k_device_minor = {337, 8};

void put_octal(std::string& block, Field field, std::uint64_t value) {
  for (std::size_t i = field.size - 1; i-- > 0;) {
    block[field.offset + i] = static_cast<char>('0' + (value & 7));
    value >>= 3;
  }
}

unsigned int checksum(std::string_view block) {
  unsigned int sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool own = i >= k_checksum.offset && i < k_checksum.offset + k_checksum.size;
    sum += own ? static_cast<unsigned int>(' ') : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

std::string make_block(std::string_view name, char type, std::uint64_t size, std::uint64_t mtime, TarMode mode) {
  std::string block(k_tar_block, '\0');
  std::ranges::copy(name, block.begin() + k_name.offset);
  put_octal(block, k_mode, mode == TarMode::owner ? k_owner_mode : k_everybody_mode);
  put_octal(block, k_uid, 0);
  put_octal(block, k_gid, 0);
  put_octal(block, k_size, size);
  put_octal(block, k_mtime, mtime);
  block[k_type.offset] = type;
  std::ranges::copy(std::string_view("ustar\0"
                                     "00",
                                     8),
                    block.begin() + k_magic.offset);
  put_octal(block, k_device_major, 0);
  put_octal(block, k_device_minor, 0);
  // Six digits, NUL, space: the one field with a form of its own.
  put_octal(block, {k_checksum.offset, 7}, checksum(block));
  block[k_checksum.offset + 7] = ' ';
  return block;
}

// "LENGTH size=VALUE\n", where LENGTH counts itself.
std::string pax_size_record(std::uint64_t size) {
  const std::string value = fmt::format(" size={}\n", size);
  std::size_t length = value.size() + 1;
  while (std::to_string(length).size() + value.size() != length) {
    ++length;
  }
  return std::to_string(length) + value;
}

bool is_safe_name(std::string_view name) {
  if (name.empty() || name.size() > k_largest_name) {
    return false;
  }
  const bool characters = std::ranges::all_of(
      name, [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '/' || c == '-'; });
  // Common tools unpack these archives too, so no name may lead out of the folder they are unpacked in.
  return characters && std::ranges::none_of(split(name, '/'), [](const std::string& part) {
           return part.empty() || part == "." || part == "..";
         });
}

std::optional<std::uint64_t> read_octal(std::string_view block, Field field) {
  const auto digits = block.substr(field.offset, field.size - 1);
  std::uint64_t value = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
  if (status != std::errc() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return value;
}

std::string_view read_name(std::string_view block) {
  const auto field = block.substr(k_name.offset, k_name.size);
  return field.substr(0, field.find('\0'));
}

bool is_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

std::string describe_type(char type) {
  switch (type) {
  case '1':
    return "is a hard link";
  case '2':
    return "is a symbolic link";
  case '3':
  case '4':
  case '6':
    return "is a device or a fifo";
  case '5':
    return "is a directory";
  case 'g':
    return "is a global pax header";
  case 'x':
    return "is a pax header that airlock does not write";
  case 'S':
    return "is a sparse file";
  case 'L':
  case 'K':
    return "is a GNU long name";
  default:
    return fmt::format("has the type '{}'", printable(std::string_view(&type, 1)));
  }
}

// Why a block is not what tar_header writes, for the message.
std::string describe_defect(std::string_view block) {
  std::string written(block.substr(k_checksum.offset, k_checksum.size));
  if (written != fmt::format("{:06o}", checksum(block)) + std::string("\0 ", 2)) {
    return "has a bad checksum";
  }
  if (block[k_type.offset] != '0') {
    return describe_type(block[k_type.offset]);
  }
  if (!is_safe_name(read_name(block))) {
    return fmt::format("has the name '{}', which airlock does not write", printable(read_name(block)));
  }
  if (!read_octal(block, k_size)) {
    return "has a size that is not plain octal";
  }
  return "has a header that airlock does not write";
}

// Reads headers through a window, so that archives of small members need few system calls, and archives of
// large ones do not drag their content in.
class Window {
 public:
  Window(int fd, std::uint64_t file_size, std::string_view name) : m_fd(fd), m_file_size(file_size), m_name(name) {}

  // The bytes from `offset`; all of them must lie inside the file. Valid until the next call.
  std::string_view at(std::uint64_t offset, std::size_t size) {
    if (offset < m_start || offset + size > m_start + m_held) {
      const bool near = offset >= m_start && offset - m_start < 2 * m_buffer.size();
      const std::uint64_t wanted = near ? m_buffer.size() : std::max<std::uint64_t>(size, 4 * k_tar_block);
      m_held = static_cast<std::size_t>(std::min(wanted, m_file_size - offset));
      m_start = offset;
      pread_exact(m_fd, std::as_writable_bytes(std::span(m_buffer).first(m_held)), offset, m_name);
    }
    return std::string_view(m_buffer.data(), m_held).substr(static_cast<std::size_t>(offset - m_start), size);
  }

 private:
  int m_fd;
  std::uint64_t m_file_size;
  std::string_view m_name;
  std::array<char, std::size_t{32} * 1024> m_buffer{};
  std::uint64_t m_start = 0;
  std::size_t m_held = 0;
};

class Lister {
 public:
  Lister(int fd, std::uint64_t file_size, std::string_view name, TarModes modes)
      : m_window(fd, file_size, name), m_file_size(file_size), m_name(name), m_modes(modes) {}

  TarEnd run(std::uint64_t max_members, const std::function<bool(const TarMember&)>& visit) {
    for (std::uint64_t count = 0;; ++count) {
      if (!fits(k_tar_block)) {
        return TarEnd::truncated;
      }
      if (is_zero(m_window.at(m_offset, k_tar_block))) {
        return read_end();
      }
      if (count == max_members) {
        throw Error(ErrorCode::limit, fmt::format("{} has more than {} members", m_name, max_members));
      }
      std::optional<TarMember> member = read_member();
      if (!member) {
        return TarEnd::truncated;
      }
      if (!visit(*member)) {
        return TarEnd::complete;
      }
      if (!skip_content(member->size)) {
        return TarEnd::truncated;
      }
    }
  }

 private:
  bool fits(std::uint64_t size) const { return size <= m_file_size - m_offset; }

  [[noreturn]] void refuse(std::string_view defect) const {
    throw Error(ErrorCode::tampered, fmt::format("the member at byte {} of {} {}", m_offset, m_name, defect));
  }

  // nullopt when the file ends inside the header.
  std::optional<TarMember> read_member() {
    std::string block(m_window.at(m_offset, k_tar_block));
    std::optional<std::uint64_t> size;
    if (block[k_type.offset] == 'x') {
      if (!fits(3 * k_tar_block)) {
        return std::nullopt;
      }
      size = read_pax_size(m_window.at(m_offset + k_tar_block, k_tar_block));
      block = m_window.at(m_offset + 2 * k_tar_block, k_tar_block);
    } else {
      size = read_octal(block, k_size);
    }
    const std::string_view member_name = read_name(block);
    const auto mtime = read_octal(block, k_mtime);
    if (!size || !mtime || !is_safe_name(member_name)) {
      refuse(describe_defect(block));
    }
    // What is read must be what would be written, to the byte: then nothing can hide in a header.
    const bool owners = m_modes == TarModes::any && read_octal(block, k_mode) == k_owner_mode;
    const std::string expected = tar_header(member_name, *size, *mtime, owners ? TarMode::owner : TarMode::everybody);
    if (!fits(expected.size())) {
      return std::nullopt;
    }
    const std::string_view found = m_window.at(m_offset, expected.size());
    if (found != expected) {
      refuse(describe_defect(found.substr(0, k_tar_block)));
    }
    m_offset += expected.size();
    return TarMember{.name = std::string(member_name), .offset = m_offset, .size = *size};
  }

  std::optional<std::uint64_t> read_pax_size(std::string_view block) const {
    const auto equals = block.find('=');
    const auto end = block.find('\n');
    if (equals == std::string_view::npos || end == std::string_view::npos || end < equals) {
      return std::nullopt;
    }
    const auto digits = block.substr(equals + 1, end - equals - 1);
    std::uint64_t size = 0;
    const auto [stop, status] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    const bool whole = status == std::errc() && stop == digits.data() + digits.size();
    return whole && size > k_largest_ustar_size && size <= k_largest_size ? std::optional(size) : std::nullopt;
  }

  bool skip_content(std::uint64_t size) {
    const std::uint64_t padding = tar_padding(size);
    if (!fits(size)) {
      return false;
    }
    m_offset += size;
    if (!fits(padding)) {
      return false;
    }
    if (padding > 0 && !is_zero(m_window.at(m_offset, static_cast<std::size_t>(padding)))) {
      throw Error(ErrorCode::tampered, fmt::format("{} has data in the padding at byte {}", m_name, m_offset));
    }
    m_offset += padding;
    return true;
  }

  TarEnd read_end() {
    if (!fits(k_tar_end_size)) {
      return TarEnd::truncated;
    }
    if (!is_zero(m_window.at(m_offset, k_tar_end_size)) || m_file_size - m_offset != k_tar_end_size) {
      throw Error(ErrorCode::tampered, fmt::format("{} has data after its end at byte {}", m_name, m_offset));
    }
    return TarEnd::complete;
  }

  Window m_window;
  std::uint64_t m_file_size;
  std::string_view m_name;
  TarModes m_modes;
  std::uint64_t m_offset = 0;
};

}  // namespace

std::string tar_header(std::string_view name, std::uint64_t size, std::uint64_t mtime, TarMode mode) {
  if (!is_safe_name(name)) {
    throw Error(ErrorCode::internal, "'" + printable(name) + "' cannot be a name in a bundle");
  }
  if (size > k_largest_size || mtime > k_largest_ustar_size) {
    throw Error(ErrorCode::internal, fmt::format("the size or time of {} does not fit a tar header", name));
  }
  if (size <= k_largest_ustar_size) {
    return make_block(name, '0', size, mtime, mode);
  }
  std::string record = pax_size_record(size);
  std::string header = make_block(k_pax_name, 'x', record.size(), mtime, mode);
  record.resize(k_tar_block, '\0');
  // The size in the ustar header cannot be told; 0 is what other writers put there, and readers take the
  // record.
  return header + record + make_block(name, '0', 0, mtime, mode);
}

std::uint64_t tar_header_size(std::uint64_t size) {
  return size <= k_largest_ustar_size ? k_tar_block : 3 * k_tar_block;
}

std::uint64_t tar_padding(std::uint64_t size) {
  return (k_tar_block - size % k_tar_block) % k_tar_block;
}

std::uint64_t tar_member_size(std::uint64_t size) {
  return tar_header_size(size) + size + tar_padding(size);
}

TarEnd list_tar(int fd, std::uint64_t file_size, std::string_view name, std::uint64_t max_members,
                const std::function<bool(const TarMember&)>& visit, TarModes modes) {
  return Lister(fd, file_size, name, modes).run(max_members, visit);
}

}  // namespace airlock::base
