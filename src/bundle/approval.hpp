// Approvals, and the seal, that stand outside of a head: made on another machine, or after the medium was closed
// (docs/formats/bundle.md, Approvals; docs/operations/approvals.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "bundle/head.hpp"
#include "trust/metadata.hpp"

namespace airlock::bundle {

inline constexpr std::size_t k_approval_limit = 12u << 20;          // bytes of one file: a seal may list 9,999 volumes
inline constexpr std::size_t k_approval_files_limit = 256;          // of one bundle that are looked at
inline constexpr std::string_view k_approval_suffix = ".approval";  // of the name that airlock gives; nobody asks it

struct Approval {
  std::string channel;
  std::uint64_t serial = 0;
  std::uint64_t version = 0;  // of snapshot
  std::string bundle_id;      // hex; SHA-256 of the very bytes that are signed
  struct Signed {
    std::string keyid;
    trust::Scheme scheme = trust::Scheme::ed25519;
    std::string sig;  // raw bytes
    bool operator==(const Signed&) const = default;
  };
  std::vector<Signed> signatures;  // ascending by keyid, each once
  struct Seal {
    std::string timestamp, shipment;  // the files as they stand
    bool operator==(const Seal&) const = default;
  };
  std::optional<Seal> seal;  // with it, `signatures` are those of the sealed snapshot and no others

  bool operator==(const Approval&) const = default;
};
std::string to_text(const Approval& approval);
// Accepts only what to_text writes. Throws tampered, unsupported.
Approval parse_approval(std::string_view text, std::string_view name);

// Whether a file says that it holds approvals; known by its first bytes, whatever its name.
bool is_approval_file(int fd, std::uint64_t file_size);
bool is_approval_file(const std::filesystem::path& file);  // false also for what cannot be read
// Throws not_found, io, limit, malformed (something else), truncated, tampered, unsupported.
Approval read_approval(const std::filesystem::path& file);

// The newest snapshot of a head; nothing is proven by it. Throws malformed when there is none.
struct HeadSnapshot {
  std::string name;  // "7.snapshot.json"
  trust::SignedFile file;
  trust::Snapshot value;
};
HeadSnapshot snapshot_of(const Head& head);

// All approvals that a snapshot carries, as an Approval without a seal. Signatures of keys that `root` does not know
// are left out.
Approval approvals_in(const HeadSnapshot& snapshot, const trust::Root& root, std::uint64_t serial);

// Adds what `approval` brings to `snapshot`; returns the keyids that were not there before. Throws foreign (of another
// bundle or version), untrusted (a key that `root` does not list for snapshot, a signature that is not by it).
std::vector<std::string> merge_approval(HeadSnapshot& snapshot, const Approval& approval, const trust::Root& root);

// The approvals that lie in folders, each file of them opened once, for all heads of a run: a medium may hold thousands
// of heads beside thousands of files. It says where to look, and what is taken is read again.
class ApprovalListing {
 public:
  struct Entry {
    std::filesystem::path file;
    std::filesystem::path place;  // the same for one file under two paths
    std::string channel, bundle_id;
    std::uint64_t serial = 0;
    std::optional<base::Error> failure;  // of a file that says that it holds approvals and cannot be read as such
  };
  // Sorted by name; nothing in a folder that cannot be listed.
  const std::vector<Entry>& in(const std::filesystem::path& folder);
  static std::optional<Entry> look_at(const std::filesystem::path& file);  // nullopt: it holds none

 private:
  std::map<std::filesystem::path, std::vector<Entry>> m_folders;
};

// Where approvals of a head may lie beside its own folder.
struct ApprovalPlaces {
  std::vector<std::filesystem::path> folders;
  std::vector<std::filesystem::path> files;
  std::shared_ptr<ApprovalListing> listing = {};  // null: folders are listed anew
};
// The head with what belongs to it from its own folder and `places`: the newest seal where there is one that holds,
// else every approval that holds, merged. Nothing is trusted by that: the keys are those of the head's own newest root,
// and verification asks everything again of the result. What claims to be of this bundle and does not hold is a finding
// with its code, and hides nothing that does. A sealed head stays as it is.
Head with_approvals(const Head& head, const ApprovalPlaces& places, std::vector<base::Finding>& findings);

}  // namespace airlock::bundle
