#include "base/zip_stream.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

constexpr std::uint32_t k_local = 0x04034b50;
constexpr std::uint32_t k_descriptor = 0x08074b50;
constexpr std::uint32_t k_central = 0x02014b50;
constexpr std::uint32_t k_end64 = 0x06064b50;
constexpr std::uint32_t k_locator64 = 0x07064b50;
constexpr std::uint32_t k_end = 0x06054b50;
constexpr std::string_view k_end_bytes = "PK\x05\x06";

constexpr unsigned k_flag_descriptor = 1U << 3;
constexpr unsigned k_known_flags = 1U << 1 | 1U << 2 | k_flag_descriptor | 1U << 11;  // how hard it was packed; UTF-8
constexpr unsigned k_stored = 0;
constexpr unsigned k_deflated = 8;
constexpr std::uint32_t k_full32 = 0xffffffff;
constexpr std::uint32_t k_full16 = 0xffff;

// Little-endian fields, one after the other.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : m_rest(bytes) {}
  std::uint64_t next(std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = size; i > 0; --i) {
      value = value << 8 | static_cast<unsigned char>(m_rest[i - 1]);
    }
    m_rest.remove_prefix(size);
    return value;
  }
  unsigned u16() { return static_cast<unsigned>(next(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(next(4)); }
  std::uint64_t u64() { return next(8); }

 private:
  std::string_view m_rest;
};

struct Entry {
  std::uint64_t offset = 0;
  unsigned flags = 0;
  unsigned method = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed = 0;
  std::size_t name_length = 0;
};

}  // namespace

struct ZipStream::Impl {
  enum class Part {
    signature,
    local,
    local_names,
    stored,
    deflated,
    descriptor,
    descriptor_rest,
    central,
    central_names,
    end64,
    locator64,
    end,
    comment,
    done
  };

  Impl(const ZipLimits& given_limits, OnName given_on_name) : limits(given_limits), on_name(std::move(given_on_name)) {
    expect(Part::signature, 4);
  }
  ~Impl() {
    if (inflating) {
      inflateEnd(&inflater);
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[noreturn]] static void fail(std::string_view reason) {
    throw Error(ErrorCode::malformed, fmt::format("the zip archive is damaged or made to deceive: {}", reason));
  }
  static void require(bool holds, std::string_view reason) {
    if (!holds) {
      fail(reason);
    }
  }

  void expect(Part next, std::size_t bytes) {
    part = next;
    needed = bytes;
    pending.clear();
    if (needed == 0 && part != Part::stored && part != Part::deflated && part != Part::done) {
      take_part();
    }
  }

  void write(std::span<const std::byte> data) {
    while (!data.empty()) {
      std::size_t used = 0;
      if (part == Part::stored) {
        used = take_stored(data);
      } else if (part == Part::deflated) {
        used = take_deflated(data);
      } else {
        require(part != Part::done, "bytes behind its end");
        used = std::min(needed - pending.size(), data.size());
        pending.append(reinterpret_cast<const char*>(data.data()), used);
      }
      position += used;
      data = data.subspan(used);
      if (part != Part::stored && part != Part::deflated && part != Part::done && pending.size() == needed) {
        take_part();
      }
    }
  }

  void take_part() {
    const std::string bytes = std::move(pending);
    pending.clear();
    switch (part) {
    case Part::signature:
      return take_signature(Fields(bytes).u32());
    case Part::local:
      return take_local(Fields(bytes));
    case Part::local_names:
      return take_local_names(bytes);
    case Part::descriptor:
      return take_descriptor(bytes);
    case Part::descriptor_rest:
      return take_lengths(Fields(bytes));
    case Part::central:
      return take_central(Fields(bytes));
    case Part::central_names:
      return take_central_names(bytes);
    case Part::end64:
      return take_end64(Fields(bytes));
    case Part::locator64:
      return take_locator64(Fields(bytes));
    case Part::end:
      return take_end(Fields(bytes));
    case Part::comment:
      require(bytes.find(k_end_bytes) == std::string::npos, "a comment that looks like its end");
      return expect(Part::done, 0);
    case Part::stored:
    case Part::deflated:
    case Part::done:
      break;
    }
  }

  void take_signature(std::uint32_t signature) {
    const std::uint64_t start = position - 4;
    if (signature == k_local && !in_directory) {
      entries.push_back({.offset = start});
      return expect(Part::local, 26);
    }
    if (!in_directory) {
      in_directory = true;
      directory_start = start;
    }
    if (signature == k_central && !directory_ended) {
      require(listed < entries.size(), "a directory with more members than there are");
      return expect(Part::central, 42);
    }
    require(listed == entries.size(), "a directory with fewer members than there are");
    if (!directory_ended) {
      directory_ended = true;
      directory_end = start;
    }
    if (signature == k_end64 && !has_end64) {
      has_end64 = true;
      return expect(Part::end64, 52);
    }
    require(has_end64 == has_locator64 || signature == k_locator64, "a part that stands alone");
    if (signature == k_locator64 && has_end64 && !has_locator64) {
      has_locator64 = true;
      return expect(Part::locator64, 16);
    }
    require(signature == k_end, "an unknown part");
    expect(Part::end, 18);
  }

  void take_local(Fields fields) {
    Entry& entry = entries.back();
    fields.u16();  // version needed
    entry.flags = fields.u16();
    entry.method = fields.u16();
    fields.u32();  // time and date
    entry.crc = fields.u32();
    entry.packed = fields.u32();
    unpacked = fields.u32();
    entry.name_length = fields.u16();
    const std::size_t extra = fields.u16();
    require((entry.flags & ~k_known_flags) == 0, "a member that is encrypted or has unknown flags");
    require(entry.method == k_stored || entry.method == k_deflated, "a member that is packed in an unknown way");
    require(entry.packed != k_full32 && unpacked != k_full32, "a member that is too large");
    require(entry.name_length > 0, "a member without a name");
    if ((entry.flags & k_flag_descriptor) != 0) {
      require(entry.method == k_deflated, "a member that is stored with its length behind it");
      require(entry.crc == 0 && entry.packed == 0 && unpacked == 0, "a member whose length stands twice");
    }
    require(entry.method == k_deflated || entry.packed == unpacked, "a stored member with two lengths");
    if (entries.size() > limits.members) {
      throw Error(ErrorCode::limit, fmt::format("the zip archive has more than {} members", limits.members));
    }
    names_length += entry.name_length;
    if (entry.name_length > limits.name || names_length > limits.names) {
      throw Error(ErrorCode::limit, "the names in the zip archive are too long");
    }
    expect(Part::local_names, entry.name_length + extra);
  }

  void take_local_names(const std::string& bytes) {
    const Entry& entry = entries.back();
    ZipMember member;
    member.name = bytes.substr(0, entry.name_length);
    require(member.name.find('\0') == std::string::npos, "a name with a NUL");
    require(names.insert(member.name).second, "a name that stands twice");
    if (on_name) {
      on_name(member.name);
    }
    members.push_back(std::move(member));
    crc = static_cast<std::uint32_t>(::crc32(0, nullptr, 0));
    size = 0;
    packed = 0;
    if (entry.method == k_stored) {
      expect(Part::stored, 0);
      if (unpacked == 0) {
        end_content();
      }
      return;
    }
    start_inflating();
    expect(Part::deflated, 0);
  }

  void start_inflating() {
    const int result = inflating ? inflateReset(&inflater) : inflateInit2(&inflater, -MAX_WBITS);
    if (result != Z_OK) {
      throw Error(ErrorCode::internal, "zlib cannot be set up");
    }
    inflating = true;
  }

  void take_content(std::span<const std::byte> data) {
    hasher.update(data);
    crc = static_cast<std::uint32_t>(
        ::crc32(crc, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size())));
    size += data.size();
    content += data.size();
    if (content > limits.content) {
      throw Error(ErrorCode::limit,
                  fmt::format("the zip archive unpacks to more than {}", format_bytes(limits.content)));
    }
  }

  std::size_t take_stored(std::span<const std::byte> data) {
    constexpr std::uint64_t piece = k_copy_buffer_size;
    const auto used = static_cast<std::size_t>(std::min({piece, unpacked - size, std::uint64_t{data.size()}}));
    take_content(data.first(used));
    packed += used;
    if (size == unpacked) {
      end_content();
    }
    return used;
  }

  std::size_t take_deflated(std::span<const std::byte> data) {
    const bool open_ended = (entries.back().flags & k_flag_descriptor) != 0;
    constexpr std::uint64_t piece = k_copy_buffer_size;
    const std::uint64_t left = open_ended ? piece : entries.back().packed - packed;
    require(left > 0, "a member that does not end where it should");
    const auto available = static_cast<std::size_t>(std::min({piece, left, std::uint64_t{data.size()}}));
    std::array<Bytef, std::size_t{64} * 1024> out;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    inflater.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(data.data()));
    inflater.avail_in = static_cast<uInt>(available);
    int result = Z_OK;
    do {
      inflater.next_out = out.data();
      inflater.avail_out = static_cast<uInt>(out.size());
      result = inflate(&inflater, Z_NO_FLUSH);
      require(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR, "a member that cannot be unpacked");
      take_content(std::as_bytes(std::span(out.data(), out.size() - inflater.avail_out)));
    } while (result == Z_OK && (inflater.avail_in > 0 || inflater.avail_out == 0));
    const std::size_t used = available - inflater.avail_in;
    packed += used;
    if (result == Z_STREAM_END) {
      end_content();
    } else {
      require(used == available, "a member that cannot be unpacked");
    }
    return used;
  }

  void end_content() {
    require(size == 0 || !members.back().name.ends_with('/'), "a folder with content");
    members.back().size = size;
    members.back().sha256 = hasher.finish();
    if ((entries.back().flags & k_flag_descriptor) != 0) {
      return expect(Part::descriptor, 4);
    }
    check_content(entries.back().crc, entries.back().packed, unpacked);
    expect(Part::signature, 4);
  }

  void take_descriptor(const std::string& bytes) {
    if (Fields(bytes).u32() == k_descriptor) {
      return expect(Part::descriptor_rest, 12);
    }
    expect(Part::descriptor_rest, 12);  // the checksum was the first field
    pending = bytes;
  }

  void take_lengths(Fields fields) {
    const std::uint32_t stated_crc = fields.u32();
    const std::uint64_t stated_packed = fields.u32();
    const std::uint64_t stated_size = fields.u32();
    check_content(stated_crc, stated_packed, stated_size);
    entries.back().crc = stated_crc;
    entries.back().packed = stated_packed;
    expect(Part::signature, 4);
  }

  void check_content(std::uint32_t stated_crc, std::uint64_t stated_packed, std::uint64_t stated_size) const {
    require(stated_crc == crc, "a member with another checksum than it states");
    require(stated_packed == packed && stated_size == size, "a member with another length than it states");
  }

  void take_central(Fields fields) {
    const Entry& entry = entries[listed];
    const ZipMember& member = members[listed];
    fields.u32();  // versions made by, needed
    require(fields.u16() == entry.flags && fields.u16() == entry.method, "a directory that tells of other members");
    fields.u32();  // time and date
    require(fields.u32() == entry.crc, "a directory with another checksum");
    require(fields.u32() == entry.packed && fields.u32() == member.size, "a directory with another length");
    const std::size_t name_length = fields.u16();
    const std::size_t extra = fields.u16();
    const std::size_t comment = fields.u16();
    require(name_length == entry.name_length, "a directory with another name");
    require(fields.u16() == 0, "a member on another disk");
    fields.u16();
    fields.u32();  // attributes
    require(fields.u32() == entry.offset, "a directory that points elsewhere");
    expect(Part::central_names, name_length + extra + comment);
  }

  void take_central_names(const std::string& bytes) {
    require(bytes.compare(0, entries[listed].name_length, members[listed].name) == 0, "a directory with another name");
    ++listed;
    expect(Part::signature, 4);
  }

  void take_end64(Fields fields) {
    end64_start = position - 56;
    require(fields.u64() == 44, "an end of unknown length");
    fields.u32();  // versions
    require(fields.u32() == 0 && fields.u32() == 0, "a directory on another disk");
    require(fields.u64() == listed && fields.u64() == listed, "an end that counts other members");
    require(fields.u64() == directory_end - directory_start && fields.u64() == directory_start,
            "an end that points elsewhere");
    expect(Part::signature, 4);
  }

  void take_locator64(Fields fields) {
    require(fields.u32() == 0, "a directory on another disk");
    require(fields.u64() == end64_start, "an end that points elsewhere");
    require(fields.u32() == 1, "parts on other disks");
    expect(Part::signature, 4);
  }

  void take_end(Fields fields) {
    const auto stated = [&](std::uint64_t value, std::uint64_t is, std::uint64_t full) {
      return value == is || (has_end64 && value == full);
    };
    require(fields.u16() == 0 && fields.u16() == 0, "a directory on another disk");
    require(stated(fields.u16(), listed, k_full16) && stated(fields.u16(), listed, k_full16),
            "an end that counts other members");
    require(stated(fields.u32(), directory_end - directory_start, k_full32) &&
                stated(fields.u32(), directory_start, k_full32),
            "an end that points elsewhere");
    expect(Part::comment, fields.u16());
  }

  const ZipLimits limits;
  const OnName on_name;
  Part part = Part::signature;
  std::string pending;
  std::size_t needed = 0;
  std::uint64_t position = 0;  // bytes taken

  std::vector<Entry> entries;
  std::vector<ZipMember> members;
  std::unordered_set<std::string> names;
  std::size_t names_length = 0;

  // Of the member that is being read.
  Hasher hasher;
  z_stream inflater{};
  bool inflating = false;
  std::uint32_t crc = 0;
  std::uint64_t size = 0;      // unpacked so far
  std::uint64_t packed = 0;    // read so far
  std::uint64_t unpacked = 0;  // as the member's header states it
  std::uint64_t content = 0;   // of all members

  bool in_directory = false;
  bool directory_ended = false;
  bool has_end64 = false;
  bool has_locator64 = false;
  std::size_t listed = 0;
  std::uint64_t directory_start = 0;
  std::uint64_t directory_end = 0;
  std::uint64_t end64_start = 0;
};

ZipStream::ZipStream(const ZipLimits& limits, OnName on_name)
    : m_impl(std::make_unique<Impl>(limits, std::move(on_name))) {}

ZipStream::~ZipStream() = default;

void ZipStream::write(std::span<const std::byte> data) {
  m_impl->write(data);
}

std::vector<ZipMember> ZipStream::finish() {
  if (m_impl->part != Impl::Part::done) {
    Impl::fail("it is cut off");
  }
  return std::move(m_impl->members);
}

}  // namespace airlock::base
