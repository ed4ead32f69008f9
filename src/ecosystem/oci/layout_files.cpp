#include "ecosystem/oci/layout_files.hpp"

#include <array>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/oci/tar_index.hpp"

namespace airlock::ecosystem::oci {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

namespace {

struct Magic {
  std::string_view bytes;
  std::string_view tool;
};
constexpr std::array<Magic, 3> k_compressed{{{"\x1f\x8b", "gunzip"},
                                             {"\x28\xb5\x2f\xfd", "unzstd"},
                                             {"\xfd"
                                              "7zXZ",
                                              "unxz"}}};

void refuse_compressed(int fd, std::uint64_t size, const std::string& name) {
  std::array<char, 6> start{};
  if (size < start.size()) {
    return;
  }
  base::pread_exact(fd, std::as_writable_bytes(std::span(start)), 0, name);
  for (const Magic& magic : k_compressed) {
    if (std::string_view(start.data(), start.size()).starts_with(magic.bytes)) {
      throw Error(ErrorCode::unsupported, fmt::format("'{}' is compressed", name))
          .with_hint(fmt::format("layers are read at random, which a compressed archive does not allow; run `{}` on it "
                                 "first",
                                 magic.tool));
    }
  }
}

}  // namespace

LayoutFiles::LayoutFiles(fs::path path) : m_path(std::move(path)) {
  std::error_code ignored;
  const fs::file_status status = fs::status(m_path, ignored);
  if (!fs::exists(status)) {
    throw Error(ErrorCode::not_found, fmt::format("there is no OCI layout '{}'", m_path.string()));
  }
  if (!fs::is_directory(status)) {
    list_archive();
  }
  if (open("oci-layout") && open("index.json")) {
    return;
  }
  if (open("manifest.json")) {
    throw Error(ErrorCode::unsupported,
                fmt::format("'{}' is an archive of an old `docker save`, not an OCI layout", m_path.string()))
        .with_hint("its layers have no digests that a registry knows; convert it with `skopeo copy "
                   "docker-archive:FILE oci-archive:NEW.tar`, or save it with docker 25 or newer");
  }
  throw Error(ErrorCode::malformed,
              fmt::format("'{}' is no OCI layout: it has no 'oci-layout' and 'index.json'", m_path.string()));
}

void LayoutFiles::list_archive() {
  m_archive = std::make_shared<const base::Fd>(base::open_for_reading(m_path));
  const std::string name = m_path.string();
  const std::uint64_t size = base::file_size(m_archive->get(), name);
  refuse_compressed(m_archive->get(), size, name);
  index_tar(m_archive->get(), size, name, [&](std::string member, std::uint64_t offset, std::uint64_t length) {
    if (member.starts_with("./")) {
      member.erase(0, 2);
    }
    m_members.insert_or_assign(std::move(member), Member{offset, length});
  });
}

std::optional<base::FileSlice> LayoutFiles::open(const std::string& name) const {
  if (m_archive) {
    const auto found = m_members.find(name);
    return found == m_members.end()
               ? std::nullopt
               : std::optional(base::FileSlice{m_archive, found->second.offset, found->second.size});
  }
  try {
    auto file = std::make_shared<const base::Fd>(base::open_for_reading(m_path / name));
    const std::uint64_t size = base::file_size(file->get(), name);
    return base::FileSlice{std::move(file), 0, size};
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      return std::nullopt;
    }
    throw;
  }
}

std::optional<base::FileSlice> LayoutFiles::open_blob(const base::Digest& digest) const {
  return open(fmt::format("blobs/{}/{}", to_string(digest.algorithm()), digest.hex()));
}

std::optional<std::string> LayoutFiles::read(const std::string& name, std::size_t limit) const {
  const std::optional<base::FileSlice> slice = open(name);
  if (!slice) {
    return std::nullopt;
  }
  if (slice->length > limit) {
    throw Error(ErrorCode::limit,
                fmt::format("'{}' in '{}' has {} bytes, more than {}", name, m_path.string(), slice->length, limit));
  }
  base::FileSource source(slice->fd->get(), slice->offset, slice->length, name);
  return base::read_all(source, limit);
}

}  // namespace airlock::ecosystem::oci
