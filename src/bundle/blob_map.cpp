#include "bundle/blob_map.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/error.hpp"
#include "bundle/blob_map_impl.hpp"
#include "bundle/listed_blobs.hpp"

namespace airlock::bundle {

using base::Digest;

BlobMap::Impl::Value BlobMap::Impl::value_of(const Digest& sha256) {
  Value value{};
  std::ranges::copy(sha256.bytes().first(value.size()), value.begin());
  return value;
}

BlobMap::Impl::Impl(const Head& of_head, const std::vector<std::filesystem::path>& in_folders,
                    const std::vector<VerifiedBundle::StateBlob>& blobs)
    : head(of_head), folders(in_folders) {
  list_all(blobs);
}

BlobMap::Impl::Impl(const Head& of_head, const std::vector<std::filesystem::path>& in_folders)
    : head(of_head), folders(in_folders) {
  for_each_listed_blob(*head, [this](const auto& blob) { add_listed(blob); });
  sort_listed();
}

BlobMap::Impl::Impl(const std::vector<std::filesystem::path>& of_files,
                    const std::vector<VerifiedBundle::StateBlob>& blobs)
    : only_files(of_files) {
  list_all(blobs);
}

BlobMap::Impl::Impl(const Impl& other, const std::set<std::string>& without)
    : head(other.head), folders(other.folders), only_files(other.only_files), passed_over(without) {
  listed.reserve(other.listed.size());
  for (const Listed& blob : other.listed) {
    listed.push_back({.sha256 = blob.sha256, .length = blob.length});
  }
}

void BlobMap::Impl::add_listed(const VerifiedBundle::StateBlob& blob) {
  if (listed.size() == k_nowhere) {
    throw base::Error(base::ErrorCode::limit, fmt::format("a bundle lists more than {} blobs", k_nowhere));
  }
  listed.push_back({.sha256 = value_of(blob.sha256), .length = blob.length});
}

void BlobMap::Impl::list_all(const std::vector<VerifiedBundle::StateBlob>& blobs) {
  listed.reserve(blobs.size());
  std::ranges::for_each(blobs, [this](const auto& blob) { add_listed(blob); });
  sort_listed();
}

void BlobMap::Impl::sort_listed() {
  std::ranges::sort(listed, {}, &Listed::sha256);
  const auto same = [](const Listed& a, const Listed& b) { return a.sha256 == b.sha256; };
  listed.erase(std::unique(listed.begin(), listed.end(), same), listed.end());
}

std::optional<std::uint32_t> BlobMap::Impl::index_of(const Digest& sha256) const {
  if (sha256.algorithm() != base::HashAlgorithm::sha256) {
    return std::nullopt;
  }
  const Value value = value_of(sha256);
  const auto found = std::ranges::lower_bound(listed, value, {}, &Listed::sha256);
  if (found == listed.end() || found->sha256 != value) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(found - listed.begin());
}

// Parts count only as a whole row of them, from the first to where they reach what is listed. A row that goes beyond,
// or of which there are other copies, stays for its reader to refuse: one of its files is not what it should be.
void BlobMap::Impl::drop_incomplete() {
  std::erase_if(cut, [&](const auto& entry) {
    const auto& [index, parts] = entry;
    std::uint64_t sum = 0;
    std::uint64_t next = 1;
    for (const auto& [part, place] : parts) {
      if (part != next++) {
        return true;
      }
      sum += place.length;
    }
    return sum < listed[index].length && !differing.contains(index);
  });
}

void BlobMap::Impl::make_order() {
  const auto first_place = [this](std::uint32_t index) {
    const Place place = listed[index].file != k_nowhere ? listed[index].place() : cut.at(index).begin()->second;
    return std::tuple(place.file, place.offset, index);
  };
  const auto count = std::ranges::count_if(listed, [](const Listed& blob) { return blob.file != k_nowhere; });
  order.reserve(static_cast<std::size_t>(count) + cut.size());
  for (std::uint32_t index = 0; index < listed.size(); ++index) {
    if (listed[index].file != k_nowhere || cut.contains(index)) {
      order.push_back(index);
    }
  }
  std::ranges::sort(order, {}, first_place);
}

std::optional<BlobLocation> BlobMap::Impl::location_of(std::uint32_t index) const {
  BlobLocation location;
  if (const Listed& blob = listed[index]; blob.file != k_nowhere) {
    location.extents.push_back(extent(blob.place()));
  } else if (const auto parts = cut.find(index); parts != cut.end()) {
    for (const auto& [part, place] : parts->second) {
      location.extents.push_back(extent(place));
    }
  } else {
    return std::nullopt;
  }
  for (const BlobExtent& part : location.extents) {
    location.length += part.length;
  }
  return location;
}

std::optional<BlobLocation> BlobMap::find(const Digest& sha256) const {
  const auto index = m_impl->index_of(sha256);
  return index ? m_impl->location_of(*index) : std::nullopt;
}
const std::vector<base::Finding>& BlobMap::findings() const {
  return m_impl->findings;
}
const std::vector<BlobMap::VolumeFile>& BlobMap::volumes() const {
  return m_impl->volumes;
}
std::size_t BlobMap::size() const {
  return m_impl->order.size();
}

void BlobMap::for_each(const std::function<void(const Digest&, const BlobLocation&)>& visit) const {
  for (const std::uint32_t index : m_impl->order) {
    visit(m_impl->listed[index].digest(), *m_impl->location_of(index));
  }
}

std::size_t BlobMap::unlisted() const {
  return m_impl->unlisted.size();
}

const std::optional<Digest>& BlobMap::unlisted_in_head_file() const {
  return m_impl->unlisted_in_head_file;
}

BlobSource::BlobSource(BlobLocation location) : m_location(std::move(location)) {}

std::size_t BlobSource::read(std::span<std::byte> buffer) {
  while (m_extent < m_location.extents.size()) {
    const BlobExtent& extent = m_location.extents[m_extent];
    if (m_done < extent.length) {
      base::FileSource source(extent.fd->get(), extent.offset + m_done, extent.length - m_done, extent.file);
      const std::size_t got = source.read(buffer);
      m_done += got;
      return got;
    }
    ++m_extent;
    m_done = 0;
  }
  return 0;
}

}  // namespace airlock::bundle
