#include "bundle/resume_examination.hpp"

#include <algorithm>
#include <unordered_set>

#include "base/bytes.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/tar.hpp"
#include "bundle/layout.hpp"

namespace airlock::bundle {

using base::Digest;
using base::Hasher;

namespace {

void run_on_all_cores(std::size_t count, const std::function<void(std::size_t)>& job) {
  base::for_each_in_parallel(count, 0, [&](std::size_t i) {
    base::throw_if_interrupted();
    job(i);
  });
}

// For a blob whose digest is not known before: what the file says, to be believed once the content agrees.
std::optional<Digest> digest_named_at(const FoundFile& file, std::uint64_t offset) {
  const std::string block = file.read(offset, base::k_tar_block);
  const auto name = parse_blob_member(std::string_view(block).substr(0, block.find('\0')));
  return name ? std::optional(name->sha256) : std::nullopt;
}

}  // namespace

std::string FoundFile::read(std::uint64_t offset, std::uint64_t length) const {
  std::string bytes(static_cast<std::size_t>(length), '\0');
  base::pread_exact(fd.get(), std::as_writable_bytes(std::span(bytes)), offset, name);
  return bytes;
}

void FoundFile::hash(std::uint64_t offset, std::uint64_t length, Hasher* first, Hasher* second) const {
  base::FileSource source(fd.get(), offset, length, name);
  base::FunctionSink sink([&](std::span<const std::byte> data) {
    for (Hasher* const hasher : {first, second}) {
      if (hasher != nullptr) {
        hasher->update(data);
      }
    }
  });
  base::copy(source, sink);
}

ResumeExamination::ResumeExamination(const OutputPlan& plan, const FoundFiles& files)
    : m_plan(plan), m_files(files), m_placement(plan.volume_size, plan.head_room) {}

void ResumeExamination::run(const std::vector<WrittenBlob>& expected, const VolumeFront& volume_front) {
  read_headers(expected, volume_front);
  read_contents();
  if (m_first_bad < complete) {
    complete = m_first_bad;
    begun = 0;
  }
  blobs.resize(complete + (begun > 0 ? 1 : 0));
  if (begun > 0) {
    hash_blob(blobs.back(), begun, begun_hash);
  }
}

void ResumeExamination::read_headers(const std::vector<WrittenBlob>& expected, const VolumeFront& volume_front) {
  std::unordered_set<Digest> seen;
  for (const WrittenBlob& blob : expected) {
    if (!take_blob(blob, volume_front)) {
      return;
    }
    if (!seen.insert(blobs.back().sha256).second) {
      blobs.pop_back();  // not known before, and the same as an earlier one: never kept twice
      --complete;
      return;
    }
  }
}

// True when the file has the piece from header to padding; otherwise `begun` may have grown.
bool ResumeExamination::take_piece(PlacedBlob& blob, const Piece& piece, std::uint64_t first_new,
                                   const VolumeFront& volume_front) {
  const auto found = m_files.find(piece.volume);
  if (found == m_files.end() || found->second.size < piece.content) {
    return false;
  }
  const FoundFile& file = found->second;
  if (piece.volume >= first_new && file.read(0, k_volume_front) != volume_front(piece.volume)) {
    return false;
  }
  if (blob.sha256.is_zero()) {
    blob.sha256 = digest_named_at(file, piece.header).value_or(Digest());
  }
  const std::string header = base::tar_header(blob_member_name(blob.sha256, piece.part), piece.length, m_plan.mtime);
  if (file.read(piece.header, header.size()) != header) {
    return false;
  }
  begun += std::min(piece.length, file.size - piece.content);
  return file.size >= piece_end(piece);
}

bool ResumeExamination::take_blob(const WrittenBlob& expected, const VolumeFront& volume_front) {
  const bool known = !expected.sha256.is_zero();
  if (!known && expected.length == 0) {
    return false;  // without a length nobody can say where it would stand
  }
  const std::uint64_t first_new = m_placement.volumes() + 1;
  PlacedBlob blob{.sha256 = expected.sha256, .length = expected.length, .pieces = m_placement.place(expected.length)};
  const bool whole = std::ranges::all_of(
      blob.pieces, [&](const Piece& piece) { return take_piece(blob, piece, first_new, volume_front); });
  if (whole) {
    begun = 0;
    ++complete;
    blobs.push_back(std::move(blob));
  } else if (begun > 0 && known) {
    blobs.push_back(std::move(blob));
  } else {
    begun = 0;
  }
  return whole;
}

void ResumeExamination::note_bad(std::size_t blob) {
  std::size_t known = m_first_bad.load();
  while (blob < known && !m_first_bad.compare_exchange_weak(known, blob)) {
  }
}

void ResumeExamination::hash_blob(const PlacedBlob& blob, std::uint64_t length, Hasher& hasher) const {
  for (const Piece& piece : blob.pieces) {
    const std::uint64_t step = std::min(length, piece.length);
    if (step > 0) {
      m_files.at(piece.volume).hash(piece.content, step, &hasher, nullptr);
    }
    length -= step;
  }
}

void ResumeExamination::check_blob(std::size_t blob) {
  if (blob > m_first_bad) {
    return;
  }
  Hasher hasher;
  hash_blob(blobs[blob], blobs[blob].length, hasher);
  if (hasher.finish() != blobs[blob].sha256) {
    note_bad(blob);
  }
}

// How much of a piece the file holds.
std::uint64_t ResumeExamination::bytes_there(std::size_t blob, const Piece& piece) const {
  if (blob < complete) {
    return piece.length;
  }
  std::uint64_t left = begun;
  for (const Piece& other : blobs[blob].pieces) {
    const std::uint64_t step = std::min(left, other.length);
    if (&other == &piece) {
      return step;
    }
    left -= step;
  }
  return 0;
}

// One pass over a volume: its own hash, and that of each blob that lies in it whole.
void ResumeExamination::scan_volume(std::uint64_t volume, VolumeScan& scan) {
  const FoundFile& file = m_files.at(volume);
  Hasher hash;
  std::uint64_t position = 0;
  const auto advance = [&](std::uint64_t to, Hasher* other) {
    file.hash(position, to - position, &hash, other);
    position = to;
  };
  advance(k_volume_front, nullptr);
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    for (const Piece& piece : blobs[i].pieces) {
      const std::uint64_t there = bytes_there(i, piece);
      if (piece.volume != volume || (i == complete && there == 0)) {
        continue;
      }
      HashAt before{.position = position, .hash = hash.clone()};
      Hasher content;
      advance(piece.content, nullptr);
      advance(piece.content + there, &content);
      const bool bad = i < complete && piece.part == 0 && content.finish() != blobs[i].sha256;
      if (bad || ((i == complete || piece.part == 1) && &piece == &blobs[i].pieces.front())) {
        scan.before = std::move(before);
      }
      if (bad) {
        note_bad(i);
        return;
      }
      if (i < complete) {
        advance(piece_end(piece), nullptr);
      }
    }
  }
  scan.end = HashAt{.position = position, .hash = std::move(hash)};
}

void ResumeExamination::read_contents() {
  if (!m_plan.volume_size) {
    run_on_all_cores(complete, [&](std::size_t i) { check_blob(i); });
    return;
  }
  std::vector<std::uint64_t> volumes;
  for (const auto& [volume, file] : m_files) {
    const bool used = std::ranges::any_of(blobs, [&, v = volume](const PlacedBlob& blob) {
      return std::ranges::any_of(blob.pieces, [&](const Piece& piece) { return piece.volume == v; });
    });
    if (used && file.size >= k_volume_front) {
      volumes.push_back(volume);
      scans[volume];
    }
  }
  run_on_all_cores(volumes.size(), [&](std::size_t i) { scan_volume(volumes[i], scans.at(volumes[i])); });
  std::vector<std::size_t> cut;
  for (std::size_t i = 0; i < complete; ++i) {
    if (blobs[i].pieces.size() > 1 || blobs[i].pieces.front().part > 0) {
      cut.push_back(i);
    }
  }
  run_on_all_cores(cut.size(), [&](std::size_t i) { check_blob(cut[i]); });
}

}  // namespace airlock::bundle
