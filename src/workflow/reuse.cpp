#include "workflow/reuse.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_read_size = 256 * 1024;  // bytes

std::optional<bundle::BlobMap> scan(const WrittenBundle& written, base::Reporter& reporter) {
  try {
    const bundle::Head head = bundle::Head::read(written.head);
    if (head.hint().set != written.set) {
      return std::nullopt;  // another bundle has that name now
    }
    std::vector<std::filesystem::path> folders;
    for (const auto& volume : written.volumes) {
      folders.push_back(volume.parent_path());
    }
    std::ranges::sort(folders);
    folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
    return bundle::BlobMap::scan(head, folders);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;
    }
    reporter.note(fmt::format("nothing is taken from {}: {}", written.head.string(), error.message()));
    return std::nullopt;
  }
}

}  // namespace

LocalBlobs::LocalBlobs(const Home& home, const std::vector<WrittenBundle>& bundles, base::Reporter& reporter)
    : m_store(home.blobs()) {
  for (const WrittenBundle& written : bundles) {
    if (auto map = scan(written, reporter)) {
      m_maps.push_back(std::move(*map));
    }
  }
}

std::optional<bundle::BlobLocation> LocalBlobs::in_store(const base::Digest& sha256, std::uint64_t length) const {
  if (const auto slice = m_store.open(sha256); slice && slice->length == length) {
    return bundle::BlobLocation{
        .extents = {{.fd = slice->fd, .file = "the store", .offset = slice->offset, .length = slice->length}},
        .length = slice->length};
  }
  return std::nullopt;
}

std::optional<bundle::BlobLocation> LocalBlobs::find(const base::Digest& sha256, std::uint64_t length) const {
  for (const bundle::BlobMap& map : m_maps) {
    if (auto location = map.find(sha256); location && location->length == length) {
      return location;
    }
  }
  return in_store(sha256, length);
}

std::vector<bundle::BlobLocation> LocalBlobs::find_all(const base::Digest& sha256, std::uint64_t length) const {
  std::vector<bundle::BlobLocation> locations;
  for (const bundle::BlobMap& map : m_maps) {
    if (auto location = map.find(sha256); location && location->length == length) {
      locations.push_back(std::move(*location));
    }
  }
  if (auto location = in_store(sha256, length)) {
    locations.push_back(std::move(*location));
  }
  return locations;
}

std::size_t LocalFetchable::read(std::uint64_t offset, std::span<std::byte> buffer) const {
  for (const bundle::BlobExtent& extent : m_location.extents) {
    if (offset < extent.length) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), extent.length - offset));
      base::pread_exact(extent.fd->get(), buffer.first(count), extent.offset + offset, extent.file);
      return count;
    }
    offset -= extent.length;
  }
  return 0;
}

void LocalFetchable::fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) {
  const std::uint64_t end = length ? offset + *length : m_location.length;
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(k_read_size);
  while (offset < end) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(k_read_size, end - offset));
    std::size_t got = 0;
    std::string why = "it ends too early";
    try {
      got = read(offset, {buffer.get(), wanted});
    } catch (const Error& error) {
      why = error.message();
    }
    if (got == 0) {
      base::with_context([&] { return "doing without the copy that is here: " + why; },
                         [&] {
                           const auto rest = length ? std::optional(end - offset) : std::nullopt;
                           m_upstream()->fetch(offset, rest, sink);
                         });
      return;
    }
    sink.write({buffer.get(), got});
    offset += got;
  }
}

void TextFetchable::fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) {
  const std::string_view text = m_text;
  sink.write(base::as_bytes(text.substr(std::min<std::size_t>(offset, text.size()), length.value_or(text.size()))));
}

}  // namespace airlock::workflow
