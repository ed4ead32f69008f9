// Continuing an interrupted run from what its partial files hold. Nothing else is kept about a run: a file that was
// written cannot disagree with itself, and a journal beside it could.
#include <algorithm>

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/tar.hpp"
#include "base/text.hpp"
#include "bundle/head.hpp"
#include "bundle/output_state.hpp"
#include "bundle/resume_examination.hpp"

namespace airlock::bundle {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Hasher;

namespace {

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(fs::symlink_status(path, error));
}

std::optional<FoundFile> open_found(const fs::path& path) {
  if (!is_file(path)) {
    return std::nullopt;
  }
  FoundFile found{.fd = base::open_for_reading(path, base::FollowLinks::no),
                  .name = "'" + base::printable(path.string()) + "'"};
  found.size = base::file_size(found.fd.get(), found.name);
  base::forget_cached(found.fd.get());
  return found;
}

Hasher with_end_blocks(const Hasher& hash) {
  Hasher whole = hash.clone();
  whole.update(std::string_view(std::string(base::k_tar_end_size, '\0')));
  return whole;
}

}  // namespace

// Puts the state of a BundleOutput together from what was found right.
class Resumption {
 public:
  Resumption(BundleOutput::Impl& output, ResumeExamination& examination) : m_output(output), m_found(examination) {}

  void restore() {
    for (std::size_t i = 0; i < m_found.complete; ++i) {
      const PlacedBlob& blob = m_found.blobs[i];
      m_output.placement.place(blob.length);
      for (const Piece& piece : blob.pieces) {
        m_ends[piece.volume] = piece_end(piece);
      }
      m_output.blobs.push_back({.sha256 = blob.sha256, .length = blob.length});
      m_output.have.insert(blob.sha256);
    }
    if (m_found.begun > 0) {
      restore_current();
    }
    if (m_output.one_file()) {
      restore_one_file();
    } else {
      restore_volumes();
    }
  }

 private:
  const HashAt& state_at(std::uint64_t volume, std::uint64_t position) const {
    const VolumeScan& scan = m_found.scans.at(volume);
    for (const auto* state : {&scan.before, &scan.end}) {
      if (*state && (*state)->position == position) {
        return **state;
      }
    }
    throw Error(ErrorCode::internal, "an interrupted bundle was not examined far enough");
  }

  void restore_current() {
    const PlacedBlob& blob = m_found.blobs.back();
    const Placement before = m_output.placement;
    m_output.placement.place(blob.length);
    std::size_t piece = 0;
    std::uint64_t done = m_found.begun;
    while (done > blob.pieces[piece].length) {
      done -= blob.pieces[piece].length;
      ++piece;
    }
    const std::uint64_t open = before.volumes();
    m_output.current = std::make_unique<BundleOutput::Impl::Current>(
        BundleOutput::Impl::Current{.sha256 = blob.sha256,
                                    .length = blob.length,
                                    .done = m_found.begun,
                                    .pieces = blob.pieces,
                                    .piece = piece,
                                    .done_in_piece = done,
                                    .hasher = m_found.begun_hash.clone(),
                                    .before = before,
                                    .closed_before = static_cast<std::size_t>(open > 0 ? open - 1 : 0)});
    m_output.resumed = true;
    for (std::size_t i = 0; i <= piece; ++i) {
      m_begun_ends[blob.pieces[i].volume] = blob.pieces[i].content + (i < piece ? blob.pieces[i].length : done);
    }
  }

  void restore_one_file() {
    OutputFile::Continued state{.position = m_output.plan.head_room};
    if (const auto end = m_ends.find(0); end != m_ends.end()) {
      state.position = end->second;
    }
    state.mark = state.position;
    if (const auto end = m_begun_ends.find(0); end != m_begun_ends.end()) {
      state.position = end->second;
    }
    reopen(0, std::move(state));
  }

  void restore_volumes() {
    std::uint64_t last = m_output.current ? m_output.current->before.volumes() : m_output.placement.volumes();
    if (!m_begun_ends.empty()) {
      last = m_begun_ends.rbegin()->first;
    }
    for (std::uint64_t volume = 1; volume <= last; ++volume) {
      restore_volume(volume, volume == last);
    }
    for (std::uint64_t volume = last + 1; is_file(m_output.partial_path(volume)); ++volume) {
      fs::remove(m_output.partial_path(volume));
    }
  }

  void restore_volume(std::uint64_t volume, bool is_last) {
    const auto whole = m_ends.find(volume);
    const auto begun = m_begun_ends.find(volume);
    const bool holds_begun = begun != m_begun_ends.end();
    OutputFile::Continued state;
    if (holds_begun) {
      state.mark = m_output.current->pieces[piece_in(volume)].header;
      state.position = begun->second;
      // Only the first piece can be taken back to; a later one goes with its file.
      state.mark_hash = piece_in(volume) == 0 ? state_at(volume, state.mark).hash.clone() : Hasher();
    } else {
      state.position = whole->second;
      state.mark = state.position;
      state.mark_hash = state_at(volume, state.position).hash.clone();
    }
    state.hash = state_at(volume, state.position).hash.clone();
    const bool may_be_taken_back =
        holds_begun || is_last || (m_output.current && volume == m_output.current->before.volumes());
    if (!is_last) {
      m_output.records.push_back(
          {.length = state.position + base::k_tar_end_size, .sha256 = with_end_blocks(*state.hash).finish()});
    }
    OutputFile& file = reopen(volume, std::move(state));
    if (!is_last) {
      file.write_zeros(base::k_tar_end_size);
    }
    if (!may_be_taken_back) {
      file.sync();
      m_output.files.erase(volume);
    }
  }

  std::size_t piece_in(std::uint64_t volume) const {
    const auto& pieces = m_output.current->pieces;
    const auto found = std::ranges::find(pieces, volume, &Piece::volume);
    return static_cast<std::size_t>(found - pieces.begin());
  }

  OutputFile& reopen(std::uint64_t volume, OutputFile::Continued state) {
    auto& file = m_output.files[volume];
    file = std::make_unique<OutputFile>(m_output.worker, m_output.partial_path(volume), std::move(state));
    return *file;
  }

  BundleOutput::Impl& m_output;
  ResumeExamination& m_found;
  std::map<std::uint64_t, std::uint64_t> m_ends;        // by volume: behind its last complete piece
  std::map<std::uint64_t, std::uint64_t> m_begun_ends;  // by volume: behind what is there of the blob begun
};

// A run that was stopped while it gave names: volumes have theirs, the head does not.
void BundleOutput::Impl::take_up_named_volumes() const {
  if (is_file(head_path())) {
    return;
  }
  for (std::uint64_t volume = 1; volume <= k_volume_limit; ++volume) {
    const auto named = open_found(final_path(volume));
    if (is_file(partial_path(volume))) {
      continue;
    }
    const auto hint = named ? peek_hint(named->fd.get(), named->size) : std::nullopt;
    if (!hint || hint->kind != "volume" || hint->set != plan.hint.set) {
      return;
    }
    rename_into_place(final_path(volume), partial_path(volume));
  }
}

BundleOutput BundleOutput::resume(OutputPlan plan, const std::vector<WrittenBlob>& expected, std::size_t& complete,
                                  std::uint64_t& begun) {
  plan.head.reset();  // what is in the file already is not hashed together with it
  auto impl = std::make_unique<Impl>(std::move(plan));
  FoundFiles files;
  if (impl->one_file()) {
    if (auto found = open_found(impl->partial_path(0)); found && found->size >= impl->plan.head_room) {
      files.emplace(0, std::move(*found));
    }
  } else {
    impl->take_up_named_volumes();
    for (std::uint64_t volume = 1; volume <= k_volume_limit; ++volume) {
      auto found = open_found(impl->partial_path(volume));
      if (!found) {
        break;
      }
      files.emplace(volume, std::move(*found));
    }
  }
  ResumeExamination examination(impl->plan, files);
  examination.run(expected, [&](std::uint64_t volume) { return impl->volume_front(volume); });
  complete = examination.complete;
  begun = examination.begun;
  if (files.empty()) {
    impl->start();
  } else {
    Resumption(*impl, examination).restore();
  }
  return BundleOutput(std::move(impl));
}

}  // namespace airlock::bundle
