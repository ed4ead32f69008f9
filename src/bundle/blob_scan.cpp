// BlobMap::scan: which files are volumes of a set, and where in them its blobs lie.
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/refusal.hpp"
#include "base/tar.hpp"
#include "base/text.hpp"
#include "bundle/approval.hpp"
#include "bundle/blob_map_impl.hpp"
#include "bundle/folder.hpp"
#include "bundle/layout.hpp"

namespace airlock::bundle {

namespace fs = std::filesystem;
using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Severity;

namespace {

constexpr std::uint64_t k_part_limit = 39'996;  // of listed blobs, in all files; the largest set has half as many

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
  explicit BlobScanner(BlobMap::Impl& map) : m_map(map) {}

  void take_head_file() {
    auto fd = std::make_shared<base::Fd>(base::open_for_reading(m_map.head->file()));
    m_seen.insert(identity_of(fd->get()));
    if (m_map.head->blobs_follow()) {
      const std::string name = printable_path(m_map.head->file());
      if (m_map.passed_over.contains(name)) {
        return;
      }
      list(fd, base::file_size(fd->get(), name), name, Front::head);
    }
  }

  void take_folder(const fs::path& folder) {
    for (const fs::path& path : list_regular_files(folder)) {
      take_file(path);
    }
  }

  // One of the files that are looked at without a head that was read.
  void take_alone(const fs::path& path) {
    take_guarded(path, [this](const std::shared_ptr<base::Fd>& fd, std::uint64_t size, const std::string& name) {
      if (const auto hint = peek_hint(fd->get(), size)) {
        list(fd, size, name, hint->kind == "head" ? Front::unread_head : Front::volume);
      }
    });
  }

 private:
  // What may stand before the first blob: the members of the head that was read, those of a volume, or of a head that
  // was not, where they mean nothing.
  enum class Front { head, volume, unread_head };
  // What one file holds, until it is known whether it is taken.
  struct Listing {
    using Place = BlobMap::Impl::Place;
    std::uint32_t number = 0;                                        // of this file, among all that are listed
    std::vector<std::pair<std::uint32_t, Place>> whole;              // by index in `listed`
    std::map<std::pair<std::uint32_t, std::uint64_t>, Place> parts;  // by that index, and the part's number
    std::set<Digest> unlisted;
    std::optional<Digest> first_unlisted;
    bool any = false;  // a blob was seen
  };

  void note(Severity severity, ErrorCode code, const std::string& subject, std::string message) {
    m_map.findings.push_back({.severity = severity, .code = code, .subject = subject, .message = std::move(message)});
  }

  // Calls `take` with the open file, its length and its name, each file once; what it throws becomes a finding.
  template <typename Take>
  void take_guarded(const fs::path& path, const Take& take) {
    const std::string name = printable_path(path);
    if (m_map.passed_over.contains(name)) {
      return;
    }
    try {
      auto fd = std::make_shared<base::Fd>(base::open_for_reading(path, base::FollowLinks::no));
      if (m_seen.insert(identity_of(fd->get())).second) {
        take(fd, base::file_size(fd->get(), name), name);
      }
    } catch (const Error& error) {
      note(Severity::warning, error.code(), name, error.message());
    }
  }

  void take_file(const fs::path& path) {
    take_guarded(path, [&](const std::shared_ptr<base::Fd>& fd, std::uint64_t size, const std::string& name) {
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
      if (hint->set != m_map.head->hint().set) {
        note(Severity::warning, ErrorCode::foreign, name,
             fmt::format("is a volume of another bundle, {}", describe(*hint)));
        return;
      }
      if (list(fd, size, name, Front::volume)) {
        m_map.volumes.push_back({.path = path, .name = name, .length = size, .hint = *hint});
      }
    });
  }

  static std::string describe(const Hint& hint) {
    return fmt::format("{} {}", base::printable(hint.channel, 80), hint.serial);
  }

  // False when the file is kept out.
  bool list(const std::shared_ptr<const base::Fd>& fd, std::uint64_t size, const std::string& name, Front front) {
    Listing listing;
    listing.number = m_files_listed++;
    base::TarEnd end = base::TarEnd::complete;
    try {
      end = base::refusing_malformed([&] {
        return base::list_tar(fd->get(), size, name, k_member_limit, [&](const base::TarMember& member) {
          return take_member(member, size, name, front, listing);
        });
      });
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
    if (front == Front::head) {
      m_map.unlisted_in_head_file = listing.first_unlisted;
    }
    add(fd, name, listing);
    return true;
  }

  // Members that the file does not hold to their end are left out.
  bool take_member(const base::TarMember& member, std::uint64_t size, const std::string& name, Front front,
                   Listing& listing) {
    if (const auto blob = parse_blob_member(member.name)) {
      if (member.size > k_blob_limit) {
        throw Error(ErrorCode::limit, fmt::format("'{}' in {} is too large", member.name, name));
      }
      if (++m_members > k_member_limit) {
        throw Error(ErrorCode::limit, fmt::format("these files hold more than {} blobs", k_member_limit));
      }
      listing.any = true;
      const bool is_whole = member.size <= size - member.offset;
      if (const auto index = m_map.index_of(blob->sha256)) {
        require_single(*index, *blob, listing, name);
        if (is_whole) {
          take_listed(*index, blob->part, {.offset = member.offset, .length = member.size}, listing);
        }
      } else if (is_whole) {
        note_unlisted(blob->sha256, listing);
      }
      return true;
    }
    if (!is_of_front(member, front, listing)) {
      throw Error(ErrorCode::tampered,
                  fmt::format("'{}' in {} does not belong there", base::printable(member.name), name));
    }
    return true;
  }

  bool is_of_front(const base::TarMember& member, Front front, const Listing& listing) const {
    switch (front) {
    case Front::head:
      return member.offset < m_map.head->size();
    case Front::volume:
      return !listing.any && (member.name == k_hint_member || member.name == k_room_member);
    case Front::unread_head:
      return !listing.any;
    }
    return false;
  }

  void require_single(std::uint32_t index, const BlobMemberName& blob, const Listing& listing,
                      const std::string& name) {
    std::uint32_t& last = m_map.listed[index].last_listed_in;
    const bool is_here = blob.part == 0 ? std::exchange(last, listing.number) == listing.number
                                        : listing.parts.contains({index, blob.part});
    if (is_here) {
      throw Error(ErrorCode::tampered,
                  fmt::format("'{}' stands twice in {}", blob_member_name(blob.sha256, blob.part), name));
    }
  }

  void take_listed(std::uint32_t index, std::uint64_t part, const BlobMap::Impl::Place& place, Listing& listing) {
    if (part == 0) {
      listing.whole.emplace_back(index, place);
      return;
    }
    if (m_parts + listing.parts.size() >= k_part_limit) {
      throw Error(ErrorCode::limit, fmt::format("these files cut blobs into more than {} parts", k_part_limit));
    }
    listing.parts.emplace(std::pair(index, part), place);
  }

  static void note_unlisted(const Digest& sha256, Listing& listing) {
    if (!listing.first_unlisted) {
      listing.first_unlisted = sha256;
    }
    if (listing.unlisted.size() < BlobMap::k_unlisted_counted) {
      listing.unlisted.insert(sha256);
    }
  }

  // What two files both hold is taken from the first: volumes get copied twice.
  void add(const std::shared_ptr<const base::Fd>& fd, const std::string& name, const Listing& listing) {
    const auto file = static_cast<std::uint32_t>(m_map.files.size());
    m_map.files.push_back({.fd = fd, .name = name});
    for (const auto& [index, place] : listing.whole) {
      if (BlobMap::Impl::Listed& blob = m_map.listed[index]; blob.file == BlobMap::Impl::k_nowhere) {
        blob.file = file;
        blob.offset = place.offset;
        blob.found = place.length;
      }
    }
    for (auto [key, place] : listing.parts) {
      place.file = file;
      const auto [first, is_new] = m_map.cut[key.first].emplace(key.second, place);
      m_parts += is_new ? 1U : 0U;
      if (!is_new && first->second.length != place.length) {
        m_map.differing.insert(key.first);
      }
    }
    for (const Digest& sha256 : listing.unlisted) {
      if (m_map.unlisted.size() == BlobMap::k_unlisted_counted) {
        break;
      }
      m_map.unlisted.insert(sha256);
    }
  }

  BlobMap::Impl& m_map;
  std::set<FileIdentity> m_seen;
  std::uint64_t m_members = 0;       // blobs, or parts of them, in all files
  std::uint64_t m_parts = 0;         // kept
  std::uint32_t m_files_listed = 0;  // those that were kept out too
};

BlobMap BlobMap::scan(const Head& head, const std::vector<fs::path>& folders) {
  return scan(std::make_shared<Impl>(head, folders));
}

BlobMap BlobMap::scan(const Head& head, const std::vector<fs::path>& folders,
                      const std::vector<VerifiedBundle::StateBlob>& listed) {
  return scan(std::make_shared<Impl>(head, folders, listed));
}

BlobMap BlobMap::scan(const std::vector<fs::path>& files, const std::vector<VerifiedBundle::StateBlob>& listed) {
  return scan(std::make_shared<Impl>(files, listed));
}

BlobMap BlobMap::without(const std::set<std::string>& files) const {
  return scan(std::make_shared<Impl>(*m_impl, files));
}

BlobMap BlobMap::scan(const std::shared_ptr<Impl>& impl) {
  base::allow_open_files(k_volume_limit + 256);  // all volumes stay open: what was listed is what is read
  BlobScanner scanner(*impl);
  if (impl->head) {
    const fs::path& file = impl->head->file();
    scanner.take_head_file();
    scanner.take_folder(file.has_parent_path() ? file.parent_path() : fs::path("."));
  }
  for (const fs::path& folder : impl->folders) {
    scanner.take_folder(folder);
  }
  for (const fs::path& path : impl->only_files) {
    scanner.take_alone(path);
  }
  impl->drop_incomplete();
  impl->make_order();
  BlobMap map;
  map.m_impl = impl;
  return map;
}

}  // namespace airlock::bundle
