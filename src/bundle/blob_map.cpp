#include "bundle/blob_map.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>

#include "base/refusal.hpp"
#include "base/tar.hpp"
#include "base/text.hpp"
#include "bundle/approval.hpp"
#include "bundle/blob_lengths.hpp"
#include "bundle/folder.hpp"

namespace airlock::bundle {

namespace fs = std::filesystem;
using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Finding;
using base::Severity;

struct BlobMap::Impl {
  struct Place {
    std::uint32_t file = 0;  // index in `files`
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  struct File {
    std::shared_ptr<const base::Fd> fd;
    std::string name;
  };
  using Parts = std::map<std::uint64_t, Place>;  // by number

  std::vector<File> files;
  std::unordered_map<Digest, Place> whole;
  std::unordered_map<Digest, Parts> cut;
  std::vector<Digest> order;  // complete blobs, by the place of their first byte
  std::vector<Finding> findings;
  std::vector<VolumeFile> volumes;
  std::vector<Digest> in_head_file;

  BlobExtent extent(const Place& place) const {
    return {.fd = files[place.file].fd, .file = files[place.file].name, .offset = place.offset, .length = place.length};
  }
  std::optional<BlobLocation> find(const Digest& sha256) const;
  void drop_incomplete(const Head& head);
  void make_order();
};

namespace {

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  auto operator<=>(const FileIdentity&) const = default;
};

FileIdentity identity_of(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) {
    return {};
  }
  return {.device = status.st_dev, .inode = status.st_ino};
}

}  // namespace

// One scan: files are listed, blobs noted, and what is odd becomes a finding.
class BlobScanner {
 public:
  BlobScanner(const Head& head, BlobMap::Impl& map) : m_head(head), m_map(map) {}

  void take_head_file() {
    auto fd = std::make_shared<base::Fd>(base::open_for_reading(m_head.file()));
    m_seen.insert(identity_of(fd->get()));
    if (m_head.blobs_follow()) {
      const std::string name = printable_path(m_head.file());
      list(fd, base::file_size(fd->get(), name), name, Front::head);
    }
  }

  void take_folder(const fs::path& folder) {
    for (const fs::path& path : list_regular_files(folder)) {
      take_file(path);
    }
  }

 private:
  enum class Front { head, volume };
  using Member = std::tuple<BlobMemberName, std::uint64_t, std::uint64_t>;  // name, offset, length

  void note(Severity severity, ErrorCode code, const std::string& subject, std::string message) {
    m_map.findings.push_back({.severity = severity, .code = code, .subject = subject, .message = std::move(message)});
  }

  void take_file(const fs::path& path) {
    const std::string name = printable_path(path);
    try {
      auto fd = std::make_shared<base::Fd>(base::open_for_reading(path, base::FollowLinks::no));
      if (!m_seen.insert(identity_of(fd->get())).second) {
        return;
      }
      const std::uint64_t size = base::file_size(fd->get(), name);
      const auto hint = peek_hint(fd->get(), size);
      if (!hint && is_approval_file(fd->get(), size)) {
        return;
      }
      if (!hint || (hint->kind != "volume" && hint->kind != "head")) {
        note(Severity::note, ErrorCode::foreign, name, "is no part of a bundle and was passed over");
        return;
      }
      if (hint->kind == "head") {
        return;  // of this or of another bundle; blobs of other bundles are not this one's business
      }
      if (hint->set != m_head.hint().set) {
        note(Severity::warning, ErrorCode::foreign, name,
             fmt::format("is a volume of another bundle, {}", describe(*hint)));
        return;
      }
      if (list(fd, size, name, Front::volume)) {
        m_map.volumes.push_back({.path = path, .length = size, .hint = *hint});
      }
    } catch (const Error& error) {
      note(Severity::warning, error.code(), name, error.message());
    }
  }

  static std::string describe(const Hint& hint) {
    return fmt::format("{} {}", base::printable(hint.channel, 80), hint.serial);
  }

  // False when the file is kept out.
  bool list(const std::shared_ptr<const base::Fd>& fd, std::uint64_t size, const std::string& name, Front front) {
    std::vector<Member> members;
    base::TarEnd end = base::TarEnd::complete;
    try {
      end = base::refusing_malformed([&] {
        return base::list_tar(fd->get(), size, name, k_member_limit, [&](const base::TarMember& member) {
          return take_member(member, size, name, front, members);
        });
      });
      require_single(members, name);
    } catch (const Error& error) {
      if (front == Front::head) {
        throw;
      }
      note(Severity::error, error.code(), name, error.message() + "; the whole file was left out");
      return false;
    }
    if (end == base::TarEnd::truncated) {
      note(Severity::error, ErrorCode::truncated, name, "ends too early; copy this file again");
    }
    add(fd, name, members);
    if (front == Front::head) {
      for (const auto& [blob, offset, length] : members) {
        m_map.in_head_file.push_back(blob.sha256);
      }
    }
    return true;
  }

  // Members that the file does not hold to their end are left out.
  bool take_member(const base::TarMember& member, std::uint64_t size, const std::string& name, Front front,
                   std::vector<Member>& members) {
    if (const auto blob = parse_blob_member(member.name)) {
      if (member.size > k_blob_limit) {
        throw Error(ErrorCode::limit, fmt::format("'{}' in {} is too large", member.name, name));
      }
      if (++m_members > k_member_limit) {
        throw Error(ErrorCode::limit, fmt::format("these files hold more than {} blobs", k_member_limit));
      }
      if (member.size <= size - member.offset) {
        members.emplace_back(*blob, member.offset, member.size);
      }
      return true;
    }
    const bool of_front = front == Front::head
                              ? member.offset < m_head.size()
                              : members.empty() && (member.name == k_hint_member || member.name == k_room_member);
    if (!of_front) {
      throw Error(ErrorCode::tampered,
                  fmt::format("'{}' in {} does not belong there", base::printable(member.name), name));
    }
    return true;
  }

  void require_single(const std::vector<Member>& members, const std::string& name) const {
    std::set<std::pair<Digest, std::uint64_t>> seen;
    for (const auto& [blob, offset, length] : members) {
      if (!seen.insert({blob.sha256, blob.part}).second) {
        throw Error(ErrorCode::tampered,
                    fmt::format("'{}' stands twice in {}", blob_member_name(blob.sha256, blob.part), name));
      }
    }
  }

  // What two files both hold is taken from the first: volumes get copied twice.
  void add(const std::shared_ptr<const base::Fd>& fd, const std::string& name, const std::vector<Member>& members) {
    const auto file = static_cast<std::uint32_t>(m_map.files.size());
    m_map.files.push_back({.fd = fd, .name = name});
    for (const auto& [blob, offset, length] : members) {
      const BlobMap::Impl::Place place{.file = file, .offset = offset, .length = length};
      if (blob.part == 0) {
        m_map.whole.emplace(blob.sha256, place);
      } else {
        m_map.cut[blob.sha256].emplace(blob.part, place);
      }
    }
  }

  const Head& m_head;
  BlobMap::Impl& m_map;
  std::set<FileIdentity> m_seen;
  std::uint64_t m_members = 0;  // blobs, or parts of them, in all files
};

// Parts count only as a whole row of them that adds up to what the catalogs say.
void BlobMap::Impl::drop_incomplete(const Head& head) {
  if (cut.empty()) {
    return;
  }
  std::set<Digest> wanted;
  for (const auto& [sha256, parts] : cut) {
    wanted.insert(sha256);
  }
  const std::map<Digest, std::uint64_t> lengths = unverified_blob_lengths(head, wanted);
  std::erase_if(cut, [&](const auto& entry) {
    const auto& [sha256, parts] = entry;
    std::uint64_t sum = 0;
    std::uint64_t next = 1;
    for (const auto& [part, place] : parts) {
      if (part != next++) {
        return true;
      }
      sum += place.length;
    }
    const auto length = lengths.find(sha256);
    return length == lengths.end() || length->second != sum;
  });
}

void BlobMap::Impl::make_order() {
  std::vector<std::tuple<std::uint32_t, std::uint64_t, Digest>> places;
  places.reserve(whole.size() + cut.size());
  for (const auto& [sha256, place] : whole) {
    places.emplace_back(place.file, place.offset, sha256);
  }
  for (const auto& [sha256, parts] : cut) {
    if (!whole.contains(sha256)) {
      places.emplace_back(parts.begin()->second.file, parts.begin()->second.offset, sha256);
    }
  }
  std::ranges::sort(places);
  for (const auto& [file, offset, sha256] : places) {
    order.push_back(sha256);
  }
}

std::optional<BlobLocation> BlobMap::Impl::find(const Digest& sha256) const {
  BlobLocation location;
  if (const auto found = whole.find(sha256); found != whole.end()) {
    location.extents.push_back(extent(found->second));
  } else if (const auto parts = cut.find(sha256); parts != cut.end()) {
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

BlobMap BlobMap::scan(const Head& head, const std::vector<fs::path>& folders) {
  base::allow_open_files(k_volume_limit + 256);  // all volumes stay open: what was listed is what is read
  const auto impl = std::make_shared<Impl>();
  BlobScanner scanner(head, *impl);
  scanner.take_head_file();
  scanner.take_folder(head.file().has_parent_path() ? head.file().parent_path() : fs::path("."));
  for (const fs::path& folder : folders) {
    scanner.take_folder(folder);
  }
  impl->drop_incomplete(head);
  impl->make_order();
  BlobMap map;
  map.m_impl = impl;
  return map;
}

std::optional<BlobLocation> BlobMap::find(const Digest& sha256) const {
  return m_impl->find(sha256);
}
const std::vector<Finding>& BlobMap::findings() const {
  return m_impl->findings;
}
const std::vector<BlobMap::VolumeFile>& BlobMap::volumes() const {
  return m_impl->volumes;
}
std::size_t BlobMap::size() const {
  return m_impl->order.size();
}

void BlobMap::for_each(const std::function<void(const Digest&, const BlobLocation&)>& visit) const {
  for (const Digest& sha256 : m_impl->order) {
    visit(sha256, *m_impl->find(sha256));
  }
}

void BlobMap::for_each_in_head_file(const std::function<void(const Digest&)>& visit) const {
  std::ranges::for_each(m_impl->in_head_file, visit);
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
