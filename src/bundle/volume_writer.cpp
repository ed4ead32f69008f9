#include "bundle/volume_writer.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/tar.hpp"
#include "base/text.hpp"
#include "bundle/output_state.hpp"

namespace airlock::bundle {

using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

[[noreturn]] void misuse(std::string_view what) {
  throw Error(ErrorCode::internal, fmt::format("the bundle writer was used wrongly: {}", what));
}

}  // namespace

BundleOutput::Impl::Impl(OutputPlan output_plan)
    : plan(std::move(output_plan)), placement(plan.volume_size, plan.head_room) {
  if (plan.head_room % base::k_tar_block != 0) {
    misuse("the room for the head is not a whole number of blocks");
  }
  if (plan.head && (!one_file() || plan.head->size() != plan.head_room)) {
    misuse("a head that does not fill its room exactly");
  }
}

std::filesystem::path BundleOutput::Impl::head_path() const {
  return plan.single_file.empty() ? plan.directory / (plan.stem + ".airlock") : plan.single_file;
}

std::filesystem::path BundleOutput::Impl::final_path(std::uint64_t volume) const {
  if (volume == 0) {
    return head_path();
  }
  const std::filesystem::path folder =
      plan.single_file.empty() ? plan.directory : std::filesystem::path(plan.single_file).parent_path();
  return folder / volume_file_name(plan.stem, volume);
}

std::filesystem::path BundleOutput::Impl::partial_path(std::uint64_t volume) const {
  std::filesystem::path path = final_path(volume);
  path += ".partial";
  return path;
}

std::string BundleOutput::Impl::volume_front(std::uint64_t volume) const {
  Hint hint = plan.hint;
  hint.kind = "volume";
  hint.volume = volume;
  hint.volumes = plan.volumes;
  std::string front = to_text(hint);
  if (front.size() > k_hint_limit) {
    misuse("the hint is too long");
  }
  front = base::tar_header(k_hint_member, front.size(), plan.mtime) + front;
  front.resize(k_volume_front, '\0');
  return front;
}

void BundleOutput::Impl::start() {
  if (!one_file()) {
    return;
  }
  if (plan.head) {
    files[0] = std::make_unique<OutputFile>(worker, partial_path(0), *plan.head);
    return;
  }
  file_of(0).write_zeros(plan.head_room);
  written_bytes += plan.head_room;
}

OutputFile& BundleOutput::Impl::file_of(std::uint64_t volume) {
  std::unique_ptr<OutputFile>& file = files[volume];
  if (!file) {
    file = std::make_unique<OutputFile>(worker, partial_path(volume), volume == 0 ? FileHashing::off : FileHashing::on);
  }
  return *file;
}

OutputFile& BundleOutput::Impl::open_volume(std::uint64_t volume) {
  if (volume == 0 || files.contains(volume)) {
    return file_of(volume);
  }
  if (volume > 1) {
    close_volume(volume - 1);
  }
  OutputFile& file = file_of(volume);
  file.write(volume_front(volume));
  written_bytes += k_volume_front;
  return file;
}

void BundleOutput::Impl::close_volume(std::uint64_t volume) {
  OutputFile& file = file_of(volume);
  if (!current || current->piece == 0) {
    file.mark();  // no part of the current blob is in it, so taking that back means opening this volume again
  }
  file.write_zeros(base::k_tar_end_size);
  written_bytes += base::k_tar_end_size;
  records.push_back({.length = file.position(), .sha256 = file.digest()});
}

void BundleOutput::Impl::release_closed_files() {
  while (files.size() > 1) {
    files.begin()->second->sync();
    files.erase(files.begin());
  }
}

void BundleOutput::Impl::begin(const Digest& sha256, bool known, std::uint64_t length) {
  if (closed) {
    misuse("a blob after the end");
  }
  if (current && !resumed) {
    misuse("a blob inside a blob");
  }
  if (known && have.contains(sha256)) {
    misuse("the same blob twice");
  }
  take_back();
  const Placement before = placement;
  std::vector<Piece> pieces = placement.place(length);
  current = std::make_unique<Current>(Current{.sha256 = sha256,
                                              .known = known,
                                              .length = length,
                                              .pieces = std::move(pieces),
                                              .hasher = base::Hasher(),
                                              .before = before,
                                              .closed_before = records.size()});
  begin_piece();
}

void BundleOutput::Impl::begin_piece() {
  const Piece& piece = current->pieces[current->piece];
  OutputFile& file = open_volume(piece.volume);
  file.mark();
  const std::uint64_t size = base::tar_header_size(piece.length);
  if (current->known) {
    file.write(base::tar_header(blob_member_name(current->sha256, piece.part), piece.length, plan.mtime));
  } else {
    file.write_zeros(size);
  }
  written_bytes += size;
  current->done_in_piece = 0;
}

void BundleOutput::Impl::append(std::span<const std::byte> data) {
  if (!current || resumed) {
    misuse("bytes without a blob");
  }
  if (data.size() > current->length - current->done) {
    throw Error(ErrorCode::tampered, fmt::format("a blob of {} bytes goes on behind its end", current->length));
  }
  current->hasher.update(data);
  while (!data.empty()) {
    const Piece& piece = current->pieces[current->piece];
    if (current->done_in_piece == piece.length) {
      end_piece();
      ++current->piece;
      begin_piece();
      continue;
    }
    const auto step =
        static_cast<std::size_t>(std::min<std::uint64_t>(data.size(), piece.length - current->done_in_piece));
    file_of(piece.volume).write(data.first(step));
    data = data.subspan(step);
    current->done += step;
    current->done_in_piece += step;
    written_bytes += step;
  }
}

void BundleOutput::Impl::end_piece() {
  const Piece& piece = current->pieces[current->piece];
  const std::uint64_t padding = base::tar_padding(piece.length);
  file_of(piece.volume).write_zeros(padding);
  written_bytes += padding;
}

void BundleOutput::Impl::take_back() {
  if (!current) {
    return;
  }
  const std::uint64_t last_before = current->before.volumes();
  for (auto later = files.upper_bound(last_before); later != files.end(); later = files.erase(later)) {
    later->second->flush();
    std::filesystem::remove(later->second->path());
  }
  if (const auto file = files.find(last_before); file != files.end()) {
    file->second->back_to_mark();  // the blob's first header, or the end blocks that made room for its volume
  }
  records.erase(records.begin() + static_cast<std::ptrdiff_t>(current->closed_before), records.end());
  placement = current->before;
  current.reset();
  resumed = false;
}

void BundleOutput::Impl::name_pieces(const Digest& sha256) {
  for (const Piece& piece : current->pieces) {
    OutputFile& file = file_of(piece.volume);
    const std::string header = base::tar_header(blob_member_name(sha256, piece.part), piece.length, plan.mtime);
    if (piece.volume == 0) {
      file.patch(piece.header, header);
      continue;
    }
    file.patch_at_mark(header);
    if (piece.volume <= records.size()) {
      records[static_cast<std::size_t>(piece.volume - 1)].sha256 = file.digest();
    }
  }
}

void BundleOutput::Impl::complete(const Digest& sha256) {
  blobs.push_back({.sha256 = sha256, .length = current->length});
  have.insert(sha256);
  current.reset();
  release_closed_files();
}

BundleOutput::BundleOutput(OutputPlan plan) : m_impl(std::make_unique<Impl>(std::move(plan))) {
  m_impl->start();
}
BundleOutput::BundleOutput(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
BundleOutput::BundleOutput(BundleOutput&&) noexcept = default;
BundleOutput::~BundleOutput() = default;

void BundleOutput::begin_blob(const Digest& sha256, std::uint64_t length) {
  m_impl->begin(sha256, true, length);
}

void BundleOutput::append(std::span<const std::byte> data) {
  m_impl->append(data);
}

void BundleOutput::finish_blob() {
  Impl& impl = *m_impl;
  if (!impl.current || impl.resumed || !impl.current->known) {
    misuse("the end of a blob that was not begun");
  }
  const Digest expected = impl.current->sha256;
  if (impl.current->done != impl.current->length) {
    const std::uint64_t missing = impl.current->length - impl.current->done;
    impl.take_back();
    throw Error(ErrorCode::tampered, fmt::format("the content for {} ends {} bytes early", expected.hex(), missing));
  }
  impl.end_piece();
  const Digest found = impl.current->hasher.finish();
  if (found != expected) {
    impl.take_back();
    throw Error(ErrorCode::tampered,
                fmt::format("the content for {} has another digest: {}", expected.hex(), found.hex()));
  }
  impl.complete(expected);
}

void BundleOutput::continue_blob(const Digest& sha256, std::uint64_t length, std::uint64_t begun) {
  Impl& impl = *m_impl;
  if (!impl.resumed || impl.current->sha256 != sha256 || impl.current->length != length ||
      impl.current->done != begun) {
    misuse("another blob was begun");
  }
  impl.resumed = false;
}

void BundleOutput::begin_unknown_blob(std::uint64_t length) {
  m_impl->begin(Digest(), false, length);
}

Digest BundleOutput::finish_unknown_blob() {
  Impl& impl = *m_impl;
  if (!impl.current || impl.current->known) {
    misuse("the end of a blob that was not begun");
  }
  if (impl.current->done != impl.current->length) {
    const std::uint64_t missing = impl.current->length - impl.current->done;
    impl.take_back();
    throw Error(ErrorCode::tampered, fmt::format("a blob ends {} bytes early", missing));
  }
  impl.end_piece();
  const Digest found = impl.current->hasher.finish();
  if (impl.have.contains(found)) {
    impl.take_back();
    return found;
  }
  impl.name_pieces(found);
  impl.complete(found);
  return found;
}

bool BundleOutput::contains(const Digest& sha256) const {
  return m_impl->have.contains(sha256);
}
const std::vector<WrittenBlob>& BundleOutput::written() const {
  return m_impl->blobs;
}
void BundleOutput::for_each_written(const std::function<void(const WrittenBlob&, const BlobLocation&)>& visit) const {
  const Impl& impl = *m_impl;
  if (impl.current || impl.closed) {
    misuse("the blobs looked at while one is written, or after the end");
  }
  for (const auto& [volume, file] : impl.files) {
    file->flush();
  }
  std::map<std::uint64_t, std::shared_ptr<const base::Fd>> open;
  Placement placement(impl.plan.volume_size, impl.plan.head_room);
  for (const WrittenBlob& blob : impl.blobs) {
    BlobLocation location{.extents = {}, .length = blob.length};
    for (const Piece& piece : placement.place(blob.length)) {
      const auto path = impl.partial_path(piece.volume);
      auto& fd = open[piece.volume];
      if (!fd) {
        fd = std::make_shared<const base::Fd>(base::open_for_reading(path));
      }
      location.extents.push_back(
          {.fd = fd, .file = base::printable(path.string()), .offset = piece.content, .length = piece.length});
    }
    visit(blob, location);
  }
}

std::uint64_t BundleOutput::bytes_written() const {
  return m_impl->written_bytes;
}

}  // namespace airlock::bundle
