// The inside of Head, shared by the files that read one and that give out what is in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/tar.hpp"
#include "bundle/head.hpp"
#include "bundle/head_members.hpp"

namespace airlock::bundle {

struct Head::Impl {
  std::filesystem::path path;
  Hint hint;
  std::string hint_text;
  MemberStore store{k_head_memory};
  std::map<std::string, MemberStore::Stored, std::less<>> metadata;
  std::string shipment;
  std::map<std::string, MemberStore::Stored, std::less<>> targets;  // by consistent name
  std::map<std::string, std::string, std::less<>> plain_targets;    // consistent names by plain one, the first of each
  std::string oci_index;
  std::uint64_t size = 0;
  std::uint64_t room_offset = 0;
  std::uint64_t room_size = 0;
  bool has_room = false;
  bool has_layout = false;
  bool has_index = false;
  bool blobs_follow = false;

  enum class Extent { whole, statements };
  static std::shared_ptr<const Impl> read(const std::filesystem::path& path, const base::Fd& fd, Extent extent);
  void read_file(const base::Fd& fd, std::uint64_t file_size, const std::string& name, Extent extent);
  void take(const base::Fd& fd, HeadPart part, const base::TarMember& member, const std::string& name);
  void take_hint(std::string_view name);
};

}  // namespace airlock::bundle
