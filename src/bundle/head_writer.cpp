// A head as tar bytes.
#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.hpp"
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
  Writer(base::ByteSink& sink, const Hint& hint)
      : m_sink(sink),
        m_mtime(static_cast<std::uint64_t>(base::parse_rfc3339(hint.created).time_since_epoch().count())) {}

  void add(std::string_view name, std::string_view content) {
    put(base::tar_header(name, content.size(), m_mtime));
    put(content);
    put_zeros(base::tar_padding(content.size()));
  }
  void add_zeros(std::string_view name, std::uint64_t size) {
    put(base::tar_header(name, size, m_mtime));
    put_zeros(size);
  }
  void end() { put_zeros(base::k_tar_end_size); }
  std::uint64_t size() const { return m_size; }

 private:
  void put(std::string_view bytes) {
    m_sink.write(base::as_bytes(bytes));
    m_size += bytes.size();
  }
  void put_zeros(std::uint64_t size) {
    static constexpr std::array<char, 16 * base::k_tar_block> zeros{};
    for (std::uint64_t left = size; left > 0;) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(left, zeros.size()));
      put({zeros.data(), step});
      left -= step;
    }
  }

  base::ByteSink& m_sink;
  std::uint64_t m_mtime;
  std::uint64_t m_size = 0;
};

// By the names with their digests, whose order the reader sees.
using Targets = std::map<std::string, const std::string*>;

void add_shipment(Writer& writer, const std::string& shipment) {
  if (!shipment.empty()) {
    writer.add(k_shipment_member, shipment);
  }
}

void add_front(Writer& writer, const HeadContents& contents) {
  writer.add(k_hint_member, to_text(contents.hint));
  for (const auto& [name, bytes] : contents.metadata) {
    writer.add(fmt::format("{}{}", k_metadata_prefix, name), bytes);
  }
  add_shipment(writer, contents.shipment);
}

void add_index(Writer& writer, std::string_view oci_index, HeadEnd end) {
  writer.add(k_oci_layout_member, k_oci_layout_text);
  writer.add(k_oci_index_member, oci_index);
  if (end == HeadEnd::alone) {
    writer.end();
  }
}

void add_back(Writer& writer, const HeadContents& contents, const Targets& targets, HeadEnd end) {
  for (const auto& [name, bytes] : targets) {
    writer.add(fmt::format("{}{}", k_targets_prefix, name), *bytes);
  }
  add_index(writer, contents.oci_index, end);
}

}  // namespace

std::optional<std::string> build_head(const HeadContents& contents, std::optional<std::uint64_t> room, HeadEnd end,
                                      std::uint64_t spare) {
  if (room.value_or(0) % base::k_tar_block != 0 || spare % base::k_tar_block != 0) {
    throw Error(ErrorCode::internal, "the room of a head is not a whole number of blocks");
  }
  Targets targets;
  for (const auto& [path, bytes] : contents.targets) {
    targets[consistent_name(path, base::sha256(bytes))] = &bytes;
  }
  base::NullSink nowhere;
  Writer measure(nowhere, contents.hint);
  add_front(measure, contents);
  add_back(measure, contents, targets, end);
  const std::uint64_t needed = measure.size() + base::k_tar_block;
  if (room && needed > *room) {
    return std::nullopt;
  }
  std::string head;
  head.reserve(static_cast<std::size_t>(room ? *room : needed + spare));  // once: it may be hundreds of megabytes
  base::FunctionSink sink([&head](std::span<const std::byte> data) {
    head.append(reinterpret_cast<const char*>(data.data()), data.size());
  });
  Writer writer(sink, contents.hint);
  add_front(writer, contents);
  writer.add_zeros(k_room_member, room ? *room - needed : spare);
  add_back(writer, contents, targets, end);
  return head;
}

void Head::write_alone(base::ByteSink& sink) const {
  Writer writer(sink, hint());
  writer.add(k_hint_member, to_text(hint()));
  std::vector<std::string> names = metadata_names();
  std::ranges::sort(names);
  for (const std::string& name : names) {
    writer.add(fmt::format("{}{}", k_metadata_prefix, name), metadata(name).value());
  }
  add_shipment(writer, shipment());
  writer.add_zeros(k_room_member, 0);
  for_each_target([&writer](const std::string& name, const std::string& bytes) {
    writer.add(fmt::format("{}{}", k_targets_prefix, name), bytes);
  });
  add_index(writer, oci_index(), HeadEnd::alone);
}

}  // namespace airlock::bundle
