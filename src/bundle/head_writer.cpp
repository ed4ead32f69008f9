// A head as tar bytes.
#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/tar.hpp"
#include "bundle/head.hpp"
#include "bundle/head_members.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

namespace {

class Writer {
 public:
  explicit Writer(std::uint64_t mtime) : m_mtime(mtime) {}

  void add(std::string_view name, std::string_view content) {
    m_tar += base::tar_header(name, content.size(), m_mtime);
    m_tar += content;
    m_tar.append(static_cast<std::size_t>(base::tar_padding(content.size())), '\0');
  }
  void add_zeros(std::string_view name, std::uint64_t size) {
    m_tar += base::tar_header(name, size, m_mtime);
    m_tar.append(static_cast<std::size_t>(size), '\0');
  }
  void end() { m_tar.append(static_cast<std::size_t>(base::k_tar_end_size), '\0'); }
  std::string take() { return std::move(m_tar); }
  std::uint64_t size() const { return m_tar.size(); }

 private:
  std::uint64_t m_mtime;
  std::string m_tar;
};

void add_front(Writer& writer, const HeadContents& contents) {
  writer.add(k_hint_member, to_text(contents.hint));
  for (const auto& [name, bytes] : contents.metadata) {
    writer.add(fmt::format("{}{}", k_metadata_prefix, name), bytes);
  }
  if (!contents.shipment.empty()) {
    writer.add(k_shipment_member, contents.shipment);
  }
}

void add_back(Writer& writer, const HeadContents& contents, HeadEnd end) {
  // The order is that of the names with their digests, which is what the reader sees.
  std::map<std::string, const std::string*> targets;
  for (const auto& [path, bytes] : contents.targets) {
    targets[consistent_name(path, base::sha256(bytes))] = &bytes;
  }
  for (const auto& [name, bytes] : targets) {
    writer.add(fmt::format("{}{}", k_targets_prefix, name), *bytes);
  }
  writer.add(k_oci_layout_member, k_oci_layout_text);
  writer.add(k_oci_index_member, contents.oci_index);
  if (end == HeadEnd::alone) {
    writer.end();
  }
}

}  // namespace

std::optional<std::string> build_head(const HeadContents& contents, std::optional<std::uint64_t> room, HeadEnd end,
                                      std::uint64_t spare) {
  if (room.value_or(0) % base::k_tar_block != 0 || spare % base::k_tar_block != 0) {
    throw Error(ErrorCode::internal, "the room of a head is not a whole number of blocks");
  }
  const auto mtime = static_cast<std::uint64_t>(base::parse_rfc3339(contents.hint.created).time_since_epoch().count());
  Writer front(mtime);
  Writer back(mtime);
  add_front(front, contents);
  add_back(back, contents, end);
  const std::uint64_t needed = front.size() + base::k_tar_block + back.size();
  if (room && needed > *room) {
    return std::nullopt;
  }
  front.add_zeros(k_room_member, room ? *room - needed : spare);
  return front.take() + back.take();
}

}  // namespace airlock::bundle
