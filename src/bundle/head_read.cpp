// Head::read: what stands in the file, member by member, into private memory.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/refusal.hpp"
#include "base/tar.hpp"
#include "base/text.hpp"
#include "bundle/folder.hpp"
#include "bundle/head_impl.hpp"
#include "model/version.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

namespace {

bool is_newer_than_this(std::string_view needs) {
  const auto wanted = model::Version::parse(needs);
  const auto own = model::Version::parse(AIRLOCK_VERSION);
  return wanted && own && *own < *wanted;
}

void require_zeros(int fd, std::uint64_t offset, std::uint64_t length, std::string_view file) {
  base::FileSource source(fd, offset, length, std::string(file));
  std::array<std::byte, 64 * 1024> buffer;
  while (const std::size_t got = source.read(buffer)) {
    if (!std::all_of(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got),
                     [](std::byte b) { return b == std::byte{0}; })) {
      throw Error(ErrorCode::tampered, fmt::format("the room of {} is not empty", file));
    }
  }
}

}  // namespace

void Head::Impl::take_hint(std::string_view name) {
  const auto parsed = parse_hint(hint_text);
  if (!parsed) {
    return;  // verification finds that it is not what belongs there; for reading it is not needed
  }
  hint = *parsed;
  if (is_newer_than_this(hint.needs)) {
    throw Error(ErrorCode::unsupported,
                fmt::format("{} was made for airlock {} or newer", name, base::printable(hint.needs)))
        .with_hint("install that version here first; it can be carried like any other tool");
  }
}

void Head::Impl::take(const base::Fd& fd, HeadPart part, const base::TarMember& member, const std::string& name) {
  const auto keep = [&](std::uint64_t limit) {
    if (member.size > limit) {
      throw Error(ErrorCode::tampered, fmt::format("'{}' of {} has more than {} bytes", member.name, name, limit));
    }
    return store.keep(fd.get(), member.offset, member.size, name);
  };
  const auto text = [&](std::uint64_t limit) { return store.load(keep(limit)); };
  switch (part) {
  case HeadPart::hint:
    hint_text = text(k_hint_limit);
    take_hint(name);
    return;
  case HeadPart::metadata: {
    std::string file = member.name.substr(k_metadata_prefix.size());
    const std::uint64_t limit = metadata_file_limit(file);
    metadata.emplace(std::move(file), keep(limit));
    return;
  }
  case HeadPart::shipment:
    shipment = text(k_shipment_limit);
    return;
  case HeadPart::room:
    require_zeros(fd.get(), member.offset, member.size, name);
    room_offset = member.offset;
    room_size = member.size;
    has_room = true;
    return;
  case HeadPart::target:
    if (const auto parsed = parse_consistent_name(std::string_view(member.name).substr(k_targets_prefix.size()))) {
      plain_targets.emplace(parsed->target, member.name.substr(k_targets_prefix.size()));
    }
    targets.emplace(member.name.substr(k_targets_prefix.size()),
                    store.keep(fd.get(), member.offset, member.size, name));
    return;
  case HeadPart::oci_layout:
    if (text(k_oci_layout_text.size()) != k_oci_layout_text) {
      throw Error(ErrorCode::tampered, fmt::format("'{}' of {} is not as airlock writes it", member.name, name));
    }
    has_layout = true;
    return;
  case HeadPart::oci_index:
    oci_index = text(k_oci_index_limit);
    has_index = true;
    return;
  case HeadPart::blob:
    return;
  }
}

void Head::Impl::read_file(const base::Fd& fd, std::uint64_t file_size, const std::string& name, Extent extent) {
  MemberOrder order;
  std::uint64_t members = 0;
  const auto visit = [&](const base::TarMember& member) {
    const HeadPart part = order.accept(member.name, name);
    if (extent == Extent::statements && part > HeadPart::shipment) {
      return false;
    }
    if (part == HeadPart::blob) {
      blobs_follow = true;
      size = member.offset - base::tar_header_size(member.size);
      return false;
    }
    if (member.offset > k_head_limit || member.size > k_head_limit - member.offset) {
      throw Error(ErrorCode::limit, fmt::format("the head in {} is larger than {} bytes", name, k_head_limit));
    }
    if (++members > k_head_member_limit) {
      throw Error(ErrorCode::limit, fmt::format("the head in {} has more than {} members", name, k_head_member_limit));
    }
    if (member.size > file_size - member.offset) {
      throw Error(ErrorCode::truncated, fmt::format("{} ends inside '{}'", name, member.name))
          .with_hint("copy the file again");
    }
    take(fd, part, member, name);
    return true;
  };
  const base::TarEnd end = base::list_tar(fd.get(), file_size, name, k_member_limit, visit);
  if (!blobs_follow) {
    size = file_size;
    if (end == base::TarEnd::truncated) {
      throw Error(ErrorCode::truncated, fmt::format("{} ends before the head of the bundle does", name))
          .with_hint("copy the file again");
    }
  }
  const bool has_the_rest = extent == Extent::statements || (has_room && has_layout && has_index);
  if (!has_the_rest || metadata.empty()) {
    throw Error(ErrorCode::tampered, fmt::format("{} lacks a part that every head has", name));
  }
}

std::shared_ptr<const Head::Impl> Head::Impl::read(const std::filesystem::path& path, const base::Fd& fd,
                                                   Extent extent) {
  const std::string name = printable_path(path);
  const auto impl = std::make_shared<Impl>();
  impl->path = path;
  base::refusing_malformed([&] { impl->read_file(fd, base::file_size(fd.get(), name), name, extent); });
  return impl;
}

namespace {

// The head that belongs to a volume, or the only one of a folder.
std::filesystem::path only_head(const std::filesystem::path& folder, const std::optional<std::string>& set) {
  std::vector<HeadCandidate> heads = list_heads(folder);
  if (set) {
    std::erase_if(heads, [&](const HeadCandidate& head) { return head.hint.set != *set; });
  }
  if (heads.empty()) {
    throw Error(ErrorCode::not_found,
                fmt::format("no {} lies in {}", set ? "head for this volume" : "bundle", printable_path(folder)))
        .with_hint(set ? "the head is the set's file with the ending .airlock; copy it there too" : "");
  }
  if (heads.size() > 1) {
    std::string names;
    for (const HeadCandidate& head : heads) {
      names += (names.empty() ? "" : ", ") + base::printable(head.path.filename().string());
    }
    throw Error(ErrorCode::conflict, fmt::format("{} holds several bundles: {}", printable_path(folder), names))
        .with_hint("name the one that is meant");
  }
  return heads.front().path;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

// Says early and plainly that a file is something else.
void require_bundle(const base::Fd& fd, std::uint64_t size, const std::string& name) {
  std::array<char, k_hint_member.size() + 1> start{};
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, start.size()));
  base::pread_exact(fd.get(), std::as_writable_bytes(std::span(start).first(wanted)), 0, name);
  const std::string_view expected(k_hint_member.data(), k_hint_member.size());
  const std::string_view found(start.data(), wanted);
  if (found != (std::string(expected) + '\0').substr(0, wanted)) {
    throw Error(ErrorCode::malformed, fmt::format("{} is not an airlock bundle", name));
  }
}

}  // namespace

Head Head::read(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return read(only_head(path, std::nullopt));
  }
  const base::Fd fd = base::open_for_reading(path);
  const std::string name = printable_path(path);
  const std::uint64_t file_size = base::file_size(fd.get(), name);
  require_bundle(fd, file_size, name);
  if (const auto hint = peek_hint(fd.get(), file_size); hint && hint->kind == "volume") {
    const std::filesystem::path head = only_head(folder_of(path), hint->set);
    return read(head);
  }
  Head head;
  head.m_impl = Impl::read(path, fd, Impl::Extent::whole);
  return head;
}

Head Head::read_statements(const std::filesystem::path& file) {
  const base::Fd fd = base::open_for_reading(file);
  const std::string name = printable_path(file);
  require_bundle(fd, base::file_size(fd.get(), name), name);
  Head head;
  head.m_impl = Impl::read(file, fd, Impl::Extent::statements);
  return head;
}

}  // namespace airlock::bundle
