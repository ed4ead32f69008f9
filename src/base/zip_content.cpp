#include "base/zip_content.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::base {

void require_of_zip(bool holds, std::string_view reason) {
  if (!holds) {
    throw Error(ErrorCode::malformed, fmt::format("the zip archive is damaged or made to deceive: {}", reason));
  }
}

void ZipContent::begin() {
  m_size = 0;
  m_packed = 0;
  m_crc = 0;
}

void ZipContent::begin_stored(std::uint64_t packed) {
  begin();
  m_deflated = false;
  m_length = packed;
  m_ended = packed == 0;
}

void ZipContent::begin_deflated(std::optional<std::uint64_t> packed) {
  begin();
  m_deflated = true;
  m_length = packed;
  m_ended = false;
  if (m_inflater) {
    m_inflater->restart();
  } else {
    m_inflater.emplace(Inflater::Frame::raw);
  }
}

std::size_t ZipContent::take(std::span<const std::byte> data) {
  constexpr std::uint64_t piece = k_copy_buffer_size;
  const std::uint64_t left = m_length ? *m_length - m_packed : piece;
  require_of_zip(left > 0, "a member that does not end where it should");
  const std::uint64_t before = m_packed;
  data = data.first(static_cast<std::size_t>(std::min({piece, left, std::uint64_t{data.size()}})));
  if (m_deflated) {
    take_deflated(data);
  } else {
    take_unpacked(data);
    m_packed += data.size();
    m_ended = m_packed == *m_length;
  }
  return static_cast<std::size_t>(m_packed - before);
}

void ZipContent::take_deflated(std::span<const std::byte> data) {
  std::array<std::byte, std::size_t{64} * 1024> out;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  Inflater::Step step;
  do {
    step = m_inflater->step(data, out);
    require_of_zip(step.state != Inflater::State::broken, "a member that cannot be unpacked");
    take_unpacked(std::span(out).first(step.made));
    m_packed += step.used;
    data = data.subspan(step.used);
  } while (step.state == Inflater::State::going && (!data.empty() || step.made == out.size()));
  m_ended = step.state == Inflater::State::ended;
  require_of_zip(m_ended || data.empty(), "a member that cannot be unpacked");
}

void ZipContent::take_unpacked(std::span<const std::byte> data) {
  m_hasher.update(data);
  m_crc = base::crc32(std::string_view(reinterpret_cast<const char*>(data.data()), data.size()), m_crc);
  m_size += data.size();
  m_all += data.size();
  if (m_all > m_limit) {
    throw Error(ErrorCode::limit, fmt::format("the zip archive unpacks to more than {}", format_bytes(m_limit)));
  }
}

}  // namespace airlock::base
