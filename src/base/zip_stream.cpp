#include "base/zip_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/error.hpp"
#include "base/zip_content.hpp"
#include "base/zip_records.hpp"

namespace airlock::base {

namespace {

constexpr std::string_view k_end_bytes = "PK\x05\x06";

// How hard it was packed; lengths behind the content; a name in UTF-8.
constexpr unsigned k_known_flags = 1U << 1 | 1U << 2 | k_zip_flag_descriptor | 1U << 11;

struct Entry {
  std::uint64_t offset = 0;
  unsigned flags = 0;
  unsigned method = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed = 0;
  std::size_t name_length = 0;

  bool has_descriptor() const { return (flags & k_zip_flag_descriptor) != 0; }
};

}  // namespace

struct ZipStream::Impl {
  enum class Part {
    signature,
    local,
    local_names,
    content,
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

  Impl(const ZipLimits& given_limits, OnName given_on_name)
      : limits(given_limits), on_name(std::move(given_on_name)), content(given_limits.content) {
    expect(Part::signature, k_zip_signature);
  }

  static void require(bool holds, std::string_view reason) { require_of_zip(holds, reason); }

  void expect(Part next, std::size_t bytes) {
    part = next;
    needed = bytes;
    pending.clear();
    if (needed == 0 && part != Part::content && part != Part::done) {
      take_part();
    }
  }

  void write(std::span<const std::byte> data) {
    while (!data.empty()) {
      std::size_t used = 0;
      if (part == Part::content) {
        used = content.take(data);
        if (content.ended()) {
          end_content();
        }
      } else {
        require(part != Part::done, "bytes behind its end");
        used = std::min(needed - pending.size(), data.size());
        pending.append(reinterpret_cast<const char*>(data.data()), used);
      }
      position += used;
      data = data.subspan(used);
      if (part != Part::content && part != Part::done && pending.size() == needed) {
        take_part();
      }
    }
  }

  void take_part() {
    const std::string bytes = std::move(pending);
    pending.clear();
    switch (part) {
    case Part::signature:
      return take_signature(zip_signature(bytes));
    case Part::local:
      return take_local(ZipLocalHeader(bytes));
    case Part::local_names:
      return take_local_names(bytes);
    case Part::descriptor:
      return take_descriptor(bytes);
    case Part::descriptor_rest:
      return take_lengths(ZipDescriptor(bytes));
    case Part::central:
      return take_central(ZipDirectoryEntry(bytes));
    case Part::central_names:
      return take_central_names(bytes);
    case Part::end64:
      return take_end64(ZipEnd64(bytes));
    case Part::locator64:
      return take_locator64(ZipLocator64(bytes));
    case Part::end:
      return take_end(ZipEnd(bytes));
    case Part::comment:
      require(bytes.find(k_end_bytes) == std::string::npos, "a comment that looks like its end");
      return expect(Part::done, 0);
    case Part::content:
    case Part::done:
      break;
    }
  }

  void take_signature(std::uint32_t signature) {
    const std::uint64_t start = position - k_zip_signature;
    if (signature == ZipLocalHeader::signature && !in_directory) {
      entries.push_back({.offset = start});
      return expect(Part::local, ZipLocalHeader::fixed);
    }
    if (!in_directory) {
      in_directory = true;
      directory_start = start;
    }
    if (signature == ZipDirectoryEntry::signature && !directory_ended) {
      require(listed < entries.size(), "a directory with more members than there are");
      return expect(Part::central, ZipDirectoryEntry::fixed);
    }
    require(listed == entries.size(), "a directory with fewer members than there are");
    if (!directory_ended) {
      directory_ended = true;
      directory_end = start;
    }
    if (signature == ZipEnd64::signature && !has_end64) {
      has_end64 = true;
      return expect(Part::end64, ZipEnd64::fixed);
    }
    require(has_end64 == has_locator64 || signature == ZipLocator64::signature, "a part that stands alone");
    if (signature == ZipLocator64::signature && has_end64 && !has_locator64) {
      has_locator64 = true;
      return expect(Part::locator64, ZipLocator64::fixed);
    }
    require(signature == ZipEnd::signature, "an unknown part");
    expect(Part::end, ZipEnd::fixed);
  }

  void take_local(const ZipLocalHeader& header) {
    Entry& entry = entries.back();
    entry.flags = header.flags;
    entry.method = header.method;
    entry.crc = header.crc32;
    entry.packed = header.packed;
    entry.name_length = header.name_length;
    unpacked = header.size;
    require((entry.flags & ~k_known_flags) == 0, "a member that is encrypted or has unknown flags");
    require(entry.method == k_zip_stored || entry.method == k_zip_deflated,
            "a member that is packed in an unknown way");
    require(entry.packed != k_zip_full32 && unpacked != k_zip_full32, "a member that is too large");
    require(entry.name_length > 0, "a member without a name");
    if (entry.has_descriptor()) {
      require(entry.method == k_zip_deflated, "a member that is stored with its length behind it");
      require(entry.crc == 0 && entry.packed == 0 && unpacked == 0, "a member whose length stands twice");
    }
    require(entry.method == k_zip_deflated || entry.packed == unpacked, "a stored member with two lengths");
    if (entries.size() > limits.members) {
      throw Error(ErrorCode::limit, fmt::format("the zip archive has more than {} members", limits.members));
    }
    names_length += entry.name_length;
    if (entry.name_length > limits.name || names_length > limits.names) {
      throw Error(ErrorCode::limit, "the names in the zip archive are too long");
    }
    expect(Part::local_names, entry.name_length + header.extra_length);
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
    expect(Part::content, 0);
    if (entry.method == k_zip_deflated) {
      content.begin_deflated(entry.has_descriptor() ? std::nullopt : std::optional(entry.packed));
      return;
    }
    content.begin_stored(unpacked);
    if (content.ended()) {
      end_content();
    }
  }

  void end_content() {
    require(content.size() == 0 || !members.back().name.ends_with('/'), "a folder with content");
    members.back().size = content.size();
    members.back().sha256 = content.sha256();
    if (entries.back().has_descriptor()) {
      return expect(Part::descriptor, k_zip_signature);
    }
    check_content(entries.back().crc, entries.back().packed, unpacked);
    expect(Part::signature, k_zip_signature);
  }

  void take_descriptor(const std::string& bytes) {
    expect(Part::descriptor_rest, ZipDescriptor::fixed);
    if (zip_signature(bytes) != ZipDescriptor::signature) {
      pending = bytes;  // the checksum was the first field
    }
  }

  void take_lengths(const ZipDescriptor& descriptor) {
    check_content(descriptor.crc32, descriptor.packed, descriptor.size);
    entries.back().crc = descriptor.crc32;
    entries.back().packed = descriptor.packed;
    expect(Part::signature, k_zip_signature);
  }

  void check_content(std::uint32_t stated_crc, std::uint64_t stated_packed, std::uint64_t stated_size) const {
    require(stated_crc == content.crc32(), "a member with another checksum than it states");
    require(stated_packed == content.packed() && stated_size == content.size(),
            "a member with another length than it states");
  }

  void take_central(const ZipDirectoryEntry& stated) {
    const Entry& entry = entries[listed];
    const ZipMember& member = members[listed];
    require(stated.flags == entry.flags && stated.method == entry.method, "a directory that tells of other members");
    require(stated.crc32 == entry.crc, "a directory with another checksum");
    require(stated.packed == entry.packed && stated.size == member.size, "a directory with another length");
    require(stated.name_length == entry.name_length, "a directory with another name");
    require(stated.disk == 0, "a member on another disk");
    require(stated.offset == entry.offset, "a directory that points elsewhere");
    expect(Part::central_names, stated.text_length());
  }

  void take_central_names(const std::string& bytes) {
    require(bytes.compare(0, entries[listed].name_length, members[listed].name) == 0, "a directory with another name");
    ++listed;
    expect(Part::signature, k_zip_signature);
  }

  void take_end64(const ZipEnd64& end) {
    end64_start = position - k_zip_size<ZipEnd64>;
    require(end.length == 44, "an end of unknown length");
    require(end.disk == 0 && end.directory_disk == 0, "a directory on another disk");
    require(end.members_here == listed && end.members == listed, "an end that counts other members");
    require(end.directory_length == directory_end - directory_start && end.directory_offset == directory_start,
            "an end that points elsewhere");
    expect(Part::signature, k_zip_signature);
  }

  void take_locator64(const ZipLocator64& locator) {
    require(locator.disk == 0, "a directory on another disk");
    require(locator.offset == end64_start, "an end that points elsewhere");
    require(locator.disks == 1, "parts on other disks");
    expect(Part::signature, k_zip_signature);
  }

  void take_end(const ZipEnd& end) {
    const auto stated = [&](std::uint64_t value, std::uint64_t is, std::uint64_t full) {
      return value == is || (has_end64 && value == full);
    };
    require(end.disk == 0 && end.directory_disk == 0, "a directory on another disk");
    require(stated(end.members_here, listed, k_zip_full16) && stated(end.members, listed, k_zip_full16),
            "an end that counts other members");
    require(stated(end.directory_length, directory_end - directory_start, k_zip_full32) &&
                stated(end.directory_offset, directory_start, k_zip_full32),
            "an end that points elsewhere");
    expect(Part::comment, end.comment_length);
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

  ZipContent content;          // of the member that is being read
  std::uint64_t unpacked = 0;  // bytes of it, as its header states them

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
  require_of_zip(m_impl->part == Impl::Part::done, "it is cut off");
  return std::move(m_impl->members);
}

}  // namespace airlock::base
