// Blobs written with BundleOutput and looked at again, for the tests of this folder.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/tar.hpp"
#include "bundle/volume_writer.hpp"
#include "support/errors.hpp"

namespace airlock::test {

// Bytes that differ for each number and do not repeat in blocks.
inline std::string blob_bytes(unsigned number, std::size_t length) {
  std::string bytes(length, '\0');
  std::uint32_t state = 2654435761U * (number + 1);
  for (char& c : bytes) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24);
  }
  return bytes;
}

inline bundle::OutputPlan output_plan(const std::filesystem::path& folder, std::optional<std::uint64_t> volume_size) {
  bundle::OutputPlan plan{
      .directory = folder, .stem = "site-a-7", .volume_size = volume_size, .head_room = 4096, .mtime = 1'800'000'000};
  plan.hint = {.channel = "site-a", .serial = 7, .set = std::string(64, 'a'), .created = "2027-01-15T08:00:00Z"};
  return plan;
}

inline void write_blob(bundle::BundleOutput& output, const std::string& bytes) {
  output.begin_blob(base::sha256(bytes), bytes.size());
  output.append(base::as_bytes(bytes));
  output.finish_blob();
}

// A head that is a tar of its own: what finish() is given in these tests.
inline std::optional<std::string> plain_head(std::optional<std::uint64_t> room) {
  const std::string content(room.value_or(4096) - (room ? 512 : 1536), 'h');
  std::string head = base::tar_header("airlock.json", content.size(), 0) + content;
  head.append(base::tar_padding(content.size()), '\0');
  return room ? head : head + std::string(1024, '\0');
}

// Every member of a tar, whole.
inline std::map<std::string, std::string> members_of(const std::filesystem::path& path) {
  std::map<std::string, std::string> members;
  const base::Fd fd = base::open_for_reading(path);
  const std::uint64_t size = base::file_size(fd.get(), path.string());
  const base::TarEnd end = base::list_tar(fd.get(), size, path.string(), 1'000'000, [&](const base::TarMember& member) {
    std::string bytes(member.size, '\0');
    base::pread_exact(fd.get(), std::as_writable_bytes(std::span(bytes)), member.offset, member.name);
    CHECK(members.emplace(member.name, std::move(bytes)).second);
    return true;
  });
  CHECK(end == base::TarEnd::complete);
  return members;
}

inline std::string file_bytes(const std::filesystem::path& path) {
  return base::read_file(path, 1u << 30);
}

}  // namespace airlock::test
