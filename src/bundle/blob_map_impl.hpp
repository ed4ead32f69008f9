// What a BlobMap keeps. For the files of this folder only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bundle/blob_map.hpp"

namespace airlock::bundle {

// What is kept follows from what is listed, never from what the files hold: 64 bytes for each listed blob.
struct BlobMap::Impl {
  static constexpr std::uint32_t k_nowhere = UINT32_MAX;  // as a file: none has it
  using Value = std::array<std::uint8_t, 32>;             // of a SHA-256

  struct Place {
    std::uint32_t file = k_nowhere;  // index in `files`
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  struct Listed {
    Value sha256{};
    std::uint64_t length = 0;  // as it is listed
    std::uint64_t offset = 0;  // of the member that holds all of it, in `file`
    std::uint64_t found = 0;   // the length of that member
    std::uint32_t file = k_nowhere;
    std::uint32_t last_listed_in = k_nowhere;  // the last file in which it stands whole

    Place place() const { return {.file = file, .offset = offset, .length = found}; }
    base::Digest digest() const { return base::Digest(base::HashAlgorithm::sha256, sha256); }
  };
  struct File {
    std::shared_ptr<const base::Fd> fd;
    std::string name;
  };
  using Parts = std::map<std::uint64_t, Place>;  // by number

  std::optional<Head> head;  // none: `only_files` are all that is looked at
  std::vector<std::filesystem::path> folders;
  std::vector<std::filesystem::path> only_files;
  std::set<std::string> passed_over;  // files of these names
  std::vector<File> files;
  std::vector<Listed> listed;          // sorted by digest
  std::map<std::uint32_t, Parts> cut;  // by index in `listed`
  std::set<std::uint32_t> differing;   // of those: files disagree about the length of a part
  std::vector<std::uint32_t> order;    // complete blobs, as indices in `listed`, by the place of their first byte
  std::vector<base::Finding> findings;
  std::vector<VolumeFile> volumes;
  std::set<base::Digest> unlisted;  // at most k_unlisted_counted
  std::optional<base::Digest> unlisted_in_head_file;

  static Value value_of(const base::Digest& sha256);

  Impl(const Head& of_head, const std::vector<std::filesystem::path>& in_folders,
       const std::vector<VerifiedBundle::StateBlob>& blobs);
  // What its catalogs name, verified or not.
  Impl(const Head& of_head, const std::vector<std::filesystem::path>& in_folders);
  Impl(const std::vector<std::filesystem::path>& of_files, const std::vector<VerifiedBundle::StateBlob>& blobs);
  // What the other lists, found nowhere yet.
  Impl(const Impl& other, const std::set<std::string>& without);
  void add_listed(const VerifiedBundle::StateBlob& blob);
  void list_all(const std::vector<VerifiedBundle::StateBlob>& blobs);
  void sort_listed();
  BlobExtent extent(const Place& place) const {
    return {.fd = files[place.file].fd, .file = files[place.file].name, .offset = place.offset, .length = place.length};
  }
  std::optional<std::uint32_t> index_of(const base::Digest& sha256) const;
  std::optional<BlobLocation> location_of(std::uint32_t index) const;
  void drop_incomplete();
  void make_order();
};

}  // namespace airlock::bundle
