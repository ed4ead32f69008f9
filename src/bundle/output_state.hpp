// What BundleOutput holds; shared by its writing, resuming and finishing. For the files of this folder only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "bundle/output_file.hpp"
#include "bundle/placement.hpp"
#include "bundle/volume_writer.hpp"
#include "bundle/write_behind.hpp"

namespace airlock::bundle {

struct BundleOutput::Impl {
  // A blob between its begin and its finish.
  struct Current {
    base::Digest sha256;
    bool known = true;
    std::uint64_t length = 0;
    std::uint64_t done = 0;  // bytes appended
    std::vector<Piece> pieces;
    std::size_t piece = 0;
    std::uint64_t done_in_piece = 0;
    base::Hasher hasher;
    Placement before;  // to take it back
    std::size_t closed_before = 0;
  };

  explicit Impl(OutputPlan output_plan);

  // Names.
  std::filesystem::path head_path() const;
  std::filesystem::path final_path(std::uint64_t volume) const;
  std::filesystem::path partial_path(std::uint64_t volume) const;
  std::string volume_front(std::uint64_t volume) const;  // the hint as a member, k_volume_front bytes

  // Files.
  bool one_file() const { return !plan.volume_size; }
  void start();  // the room, for one file
  OutputFile& file_of(std::uint64_t volume);
  OutputFile& open_volume(std::uint64_t volume);  // closes the one before
  void close_volume(std::uint64_t volume);
  void release_closed_files();  // only the last file stays open between blobs

  // Blobs.
  void begin(const base::Digest& sha256, bool known, std::uint64_t length);
  void begin_piece();
  void append(std::span<const std::byte> data);
  void end_piece();
  void take_back();
  void complete(const base::Digest& sha256);
  void name_pieces(const base::Digest& sha256);

  void take_up_named_volumes() const;

  // The end.
  void close();
  void turn_into_volume();  // one file whose room did not do
  Result finish(const std::function<std::optional<std::string>(std::optional<std::uint64_t>)>& head);
  void require_free_names() const;
  void write_head(const std::string& bytes);
  void rename_all();

  OutputPlan plan;
  Placement placement;
  std::uint64_t written_bytes = 0;  // this run
  bool closed = false;
  bool became_volume = false;
  std::vector<VolumeRecord> records;  // of closed volumes
  std::vector<WrittenBlob> blobs;
  std::unordered_set<base::Digest> have;
  std::unique_ptr<Current> current;
  bool resumed = false;  // `current` comes from resume() and waits for continue_blob
  WriteBehind worker;    // outlives the files
  std::map<std::uint64_t, std::unique_ptr<OutputFile>> files;  // by volume; 0 is the one file
};

// Gives a file its final name, never over an existing one (throws conflict).
void rename_into_place(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace airlock::bundle
