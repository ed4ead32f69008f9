// The head of a bundle: a small tar, or the front of a large one. It is read once into private memory and never from
// the medium again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.hpp"
#include "bundle/documents.hpp"
#include "trust/client.hpp"

namespace airlock::bundle {

// All small files of a bundle. Targets stand under their plain target path ("oci/catalog/0000.jsonl").
struct HeadContents {
  Hint hint;
  std::map<std::string, std::string> metadata;  // by file name: "1.root.json", "timestamp.json", "7.oci.json"
  std::string shipment;                         // DSSE; empty in a draft
  std::map<std::string, std::string> targets;   // by target path
  std::string oci_index;                        // text of index.json
};

// The tar bytes of a head that is exactly `room` bytes long, the rest taken by the room member; without `room` just as
// long as needed plus `spare` bytes of room, both in whole tar blocks. The end blocks are written only for a head that
// stands alone. Every member has the time of the hint's `created`. nullopt: it does not fit `room`.
enum class HeadEnd { alone, blobs_follow };
inline constexpr std::uint64_t k_spare_room = 64 * 1024;  // bytes: for signatures that come later, or grow
inline constexpr std::uint64_t k_room_unit = 64 * 1024;   // bytes: the room in front of blobs is a multiple
std::optional<std::string> build_head(const HeadContents& contents, std::optional<std::uint64_t> room, HeadEnd end,
                                      std::uint64_t spare = 0);

// The heads that lie in a folder (not below it), by what their first member says; sorted by serial, shipment and name.
// Throws not_found, io (a file cannot be read, and no other is a head), limit (more than k_folder_limit files, or what
// refuse_many_copies throws).
struct HeadCandidate {
  std::filesystem::path path;
  Hint hint;
};
std::vector<HeadCandidate> list_heads(const std::filesystem::path& folder);
// What the first member of an open file says, where that is airlock.json; nullopt for every other file.
std::optional<Hint> peek_hint(int fd, std::uint64_t file_size);
inline constexpr std::size_t k_folder_limit = 20'000;  // files: all volumes of a set, and as much again
// Whatever comes of a head, the files around it are gone through for it, so that a folder full of copies of one would
// be gone through once for each. `heads` are sorted as list_heads() sorts them. Throws limit where more than
// k_copies_limit say that they are of one sending.
void refuse_many_copies(const std::vector<HeadCandidate>& heads);
inline constexpr std::size_t k_copies_limit = 128;

// Opens and reads a head: `path` is a bundle, a head, a volume beside its head, or a folder with exactly one bundle's
// head in it.
class Head {
 public:
  // Copies the head's members to private memory; what goes beyond k_head_memory stands in an unnamed private file in
  // the folder for temporary files. Nothing is read from the medium twice. Throws not_found, malformed (not a bundle
  // at all), tampered (a member that cannot be there, twice the same, a link, larger than a head may be…), truncated,
  // conflict (a folder with several heads), unsupported (made by a newer airlock).
  static Head read(const std::filesystem::path& path);
  // Only what stands in front of the room: hint, metadata and shipment, so that a look at a state costs the same
  // whatever it holds. The result has no targets, index or room. `file` is a bundle or a head itself. Throws as read().
  static Head read_statements(const std::filesystem::path& file);
  static constexpr std::uint64_t k_head_memory = 32u << 20;  // bytes

  const std::filesystem::path& file() const;  // the file that was read
  const Hint& hint() const;
  const std::string& hint_text() const;  // as it stands
  std::optional<std::string> metadata(std::string_view name) const;
  std::uint64_t metadata_length(std::string_view name) const;  // bytes, without loading them; 0 where there is none
  std::vector<std::string> metadata_names() const;
  const std::string& shipment() const;  // DSSE bytes; empty in a draft
  // The same head with other metadata files and another shipment in the place of its own: what came after it was closed
  // (bundle/approval.hpp). File, size and room stay those of the file that was read.
  Head with(std::map<std::string, std::string> metadata, std::string shipment) const;
  // All of it as values, for authoring the next state, adding signatures and sealing; targets get their plain paths.
  HeadContents contents() const;
  // The bytes that build_head() makes of all of it, alone and without room, with one member at a time in memory. Only
  // for a head that was verified: names of targets are written as they stand.
  void write_alone(base::ByteSink& sink) const;
  std::vector<std::string> target_names() const;  // consistent names as they stand ("a/<hex>.b")
  // The bytes of a target that parent metadata describes: found by target path and hash, length and hash checked.
  // Throws tampered when it is absent or differs.
  std::string target(std::string_view path, const trust::TargetFile& expected) const;
  // The bytes of a target by its plain path, checked against the digest in its own name only: for inspection.
  std::optional<std::string> unverified_target(std::string_view path) const;
  const std::string& oci_index() const;
  std::uint64_t size() const;         // bytes up to the first blob or the end
  std::uint64_t room_offset() const;  // of the room member's content in the file
  std::uint64_t room_size() const;
  bool blobs_follow() const;

  // The head as a trust::Fetcher over its metadata.
  std::unique_ptr<trust::Fetcher> fetcher() const;

 private:
  void for_each_target(const std::function<void(const std::string& name, const std::string& bytes)>& visit) const;

  struct Impl;
  struct Later {
    std::map<std::string, std::string, std::less<>> metadata;
    std::string shipment;
  };
  std::shared_ptr<const Impl> m_impl;
  std::shared_ptr<const Later> m_later;  // null: nothing came later
};

}  // namespace airlock::bundle
