#include "bundle/head_members.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "trust/metadata.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_version_digits = 16;  // 2^53 has no more

// "timestamp.json", or "<version>.<role>.json" where the version has no leading zero.
bool is_metadata_file(std::string_view name) {
  if (name == "timestamp.json") {
    return true;
  }
  const std::size_t dot = name.find('.');
  if (dot == 0 || dot == std::string_view::npos || dot > k_version_digits || name.front() == '0' ||
      !std::ranges::all_of(name.substr(0, dot), base::is_digit)) {
    return false;
  }
  const std::string_view rest = name.substr(dot + 1);
  constexpr std::string_view suffix = ".json";
  if (!rest.ends_with(suffix)) {
    return false;
  }
  const std::string_view role = rest.substr(0, rest.size() - suffix.size());
  return role != "timestamp" && is_ecosystem_name(role);  // "root", "snapshot" and "targets" have the same form
}

bool is_single(HeadPart part) {
  return part != HeadPart::metadata && part != HeadPart::target && part != HeadPart::blob;
}

}  // namespace

std::uint64_t metadata_file_limit(std::string_view name) {
  return name.ends_with(".root.json") ? trust::k_root_limit
         : name == "timestamp.json"   ? trust::k_timestamp_limit
                                      : trust::k_metadata_ceiling;
}

std::optional<HeadPart> head_part(std::string_view name) {
  if (name == k_hint_member) {
    return HeadPart::hint;
  }
  if (name == k_shipment_member) {
    return HeadPart::shipment;
  }
  if (name == k_room_member) {
    return HeadPart::room;
  }
  if (name == k_oci_layout_member) {
    return HeadPart::oci_layout;
  }
  if (name == k_oci_index_member) {
    return HeadPart::oci_index;
  }
  if (name.starts_with(k_metadata_prefix) && is_metadata_file(name.substr(k_metadata_prefix.size()))) {
    return HeadPart::metadata;
  }
  if (name.starts_with(k_targets_prefix) && parse_consistent_name(name.substr(k_targets_prefix.size()))) {
    return HeadPart::target;
  }
  if (parse_blob_member(name)) {
    return HeadPart::blob;
  }
  return std::nullopt;
}

HeadPart MemberOrder::accept(std::string_view name, std::string_view file) {
  const auto refuse = [&](std::string_view why) {
    throw Error(ErrorCode::tampered, fmt::format("the member '{}' of {} {}", base::printable(name), file, why));
  };
  const std::optional<HeadPart> part = head_part(name);
  if (!part) {
    refuse("does not belong into a bundle");
  }
  if (m_last_part && *part < *m_last_part) {
    refuse("stands behind '" + m_last_name + "', where it does not belong");
  }
  if (m_last_part == part && (is_single(*part) || name <= m_last_name)) {
    refuse(name == m_last_name ? "stands there twice" : "is out of order");
  }
  m_last_part = part;
  m_last_name = name;
  return *part;
}

MemberStore::Stored MemberStore::keep(int fd, std::uint64_t offset, std::uint64_t length, std::string_view file) {
  if (length <= m_budget - m_used) {
    std::string bytes(static_cast<std::size_t>(length), '\0');
    base::pread_exact(fd, std::as_writable_bytes(std::span(bytes)), offset, file);
    m_used += length;
    return bytes;
  }
  if (!m_spill) {
    m_spill.emplace(std::filesystem::temp_directory_path(), 0600);
  }
  base::FileSource source(fd, offset, length, std::string(file));
  base::copy(source, *m_spill);
  const InFile stored{.offset = m_spilled, .length = length};
  m_spilled += length;
  return stored;
}

std::uint64_t MemberStore::length(const Stored& stored) {
  const auto* const text = std::get_if<std::string>(&stored);
  return text != nullptr ? text->size() : std::get<InFile>(stored).length;
}

std::string MemberStore::load(const Stored& stored) const {
  if (const auto* text = std::get_if<std::string>(&stored)) {
    return *text;
  }
  const auto& place = std::get<InFile>(stored);
  std::string bytes(static_cast<std::size_t>(place.length), '\0');
  base::pread_exact(m_spill->fd(), std::as_writable_bytes(std::span(bytes)), place.offset,
                    "a private copy of the head");
  return bytes;
}

}  // namespace airlock::bundle
